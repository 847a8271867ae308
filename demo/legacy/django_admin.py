"""Django, set up the way it wants to be: once in a process, with a SQLite file that is gone at the process's end.

The modules of `demo.legacy.archives` can be imported only afterwards.
"""

import secrets
import tempfile
from functools import cache
from pathlib import Path

import django
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from starlette.types import ASGIApp

from demo.legacy.accounts import Account

STATIC = Path(admin.__file__).parent / "static"
ACCOUNTS = "legacy.accounts"
"""Where the ASGI scope of a request holds the server's own count of attempts."""
_FOLDER = tempfile.TemporaryDirectory(prefix="danan-")
_ARCHIVES = (
    ("QX-2024-WS-0117", "关于溪头镇防汛工作的批复", 2024, "永久"),
    ("QX-2024-WS-0342", "云溪村村庄规划评审纪要", 2024, "30年"),
    ("QX-2025-WS-0058", "农村公路养护年度计划", 2025, "30年"),
    ("QX-2025-WS-0203", "老旧农房排查情况汇报", 2025, "10年"),
)
# What `django-admin startproject` writes.
_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
_PROCESSORS = (
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)
_TEMPLATES = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": _PROCESSORS},
}


@cache
def set_up() -> ASGIApp:
    """Django's ASGI application, with empty tables. Blocks; must not run on an event loop's thread."""
    settings.configure(
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF="demo.legacy.archives.urls",
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in ("admin", "auth", "contenttypes", "sessions", "messages")),
            "demo.legacy.archives",
        ],
        MIDDLEWARE=_MIDDLEWARE,
        AUTHENTICATION_BACKENDS=["demo.legacy.archives.backend.LockingBackend"],
        # Weak but quick, as imported from the system before it.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TEMPLATES=[_TEMPLATES],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{_FOLDER.name}/db.sqlite3"}},
        LANGUAGE_CODE="zh-hans",
        TIME_ZONE="Asia/Shanghai",
        USE_TZ=True,
        STATIC_URL="/static/",
        LOGGING_CONFIG=None,
    )
    django.setup(set_prefix=False)
    call_command("migrate", run_syncdb=True, verbosity=0)
    connection.close()
    from django.core.handlers.asgi import ASGIHandler  # noqa: PLC0415 - wants the settings

    application: ASGIApp = ASGIHandler()
    return application


def fill_shelves() -> None:
    """Empties the database, and puts a few archives in. Blocks."""
    from demo.legacy.archives.models import Archive  # noqa: PLC0415

    call_command("flush", interactive=False, verbosity=0)
    Archive.objects.bulk_create(
        Archive(number=number, title=title, year=year, kept=kept) for number, title, year, kept in _ARCHIVES
    )
    connection.close()


def create_superuser(account: Account) -> None:
    """Through Django's own API; the latest archives become the person's latest actions. Blocks."""
    from django.contrib.admin.models import CHANGE, LogEntry  # noqa: PLC0415
    from django.contrib.auth import get_user_model  # noqa: PLC0415

    from demo.legacy.archives.models import Archive  # noqa: PLC0415

    user = get_user_model().objects.create_superuser(account.login, None, account.password, first_name=account.name)
    LogEntry.objects.log_actions(user.pk, Archive.objects.all(), CHANGE, "查阅")
    connection.close()
