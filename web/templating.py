"""Templates, and what every page may call in them: texts, icons, addresses of built files, times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request

from core.held import require_nothing_held
from core.local_time import LocalTime
from web.i18n import LOCALES, catalogue, choose_locale
from web.static_files import load_assets

THEMES = ("auto", "light", "dark")
SIZES = ("normal", "large", "larger")
LOCALE_COOKIE = "yimen-locale"
THEME_COOKIE = "yimen-theme"
SIZE_COOKIE = "yimen-size"

_TONES = 10
_ICON = Markup(
    '<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="{fill}" stroke="{stroke}"'
    ' stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{drawing}</svg>'
)
_TIME = Markup('<time datetime="{instant}" data-local="{style}" title="{told}">{text}</time>')


@dataclass(frozen=True)
class Preferences:
    """How this browser wants its pages; kept in cookies, so that it also holds before sign-in."""

    locale: str
    theme: str
    size: str

    @classmethod
    def of(cls, request: Request) -> "Preferences":
        cookies = request.cookies
        theme = cookies.get(THEME_COOKIE, "")
        size = cookies.get(SIZE_COOKIE, "")
        # What a client asks for (OIDC Core §3.1.2.1) comes before what the browser says of itself, and after what the
        # person has chosen here.
        asked = getattr(request.state, "ui_locales", "").split()
        languages = ",".join([*asked, request.headers.get("accept-language", "")])
        return cls(
            choose_locale(cookies.get(LOCALE_COOKIE), languages),
            theme if theme in THEMES else THEMES[0],
            size if size in SIZES else SIZES[0],
        )


def render(template: str, preferences: Preferences, context: Mapping[str, Any]) -> str:
    require_nothing_held("rendering a page")
    texts = catalogue(preferences.locale)
    return (
        _environment()
        .get_template(template)
        .render(
            t=texts.text,
            has_text=texts.__contains__,
            error_text=texts.error,
            preferences=preferences,
            locales=LOCALES,
            themes=THEMES,
            sizes=SIZES,
            **context,
        )
    )


def icon(name: str, *, size: int = 20) -> Markup:
    """A Tabler icon drawn in place; it says nothing to a screen reader, the text beside it does."""
    drawing = load_assets().icons[name]
    fill = "currentColor" if name.endswith("-filled") else "none"
    stroke = "none" if name.endswith("-filled") else "currentColor"
    return _ICON.format(size=size, fill=fill, stroke=stroke, drawing=Markup(drawing))  # noqa: S704 - from our own build


def tone(name: str) -> str:
    """The colour class of a monogram: always the same for the same name."""
    return f"tone-{sha256(name.encode()).digest()[0] % _TONES}"


def monogram(name: str) -> str:
    """One Chinese character, or the first letters of two Latin words."""
    words = [word for word in name.split() if word]
    if not words:
        return "?"
    if not words[0][0].isascii():
        return words[0][0]
    return "".join(word[0] for word in words[:2]).upper()


def time_element(local_time: LocalTime, at: datetime, style: str = "minute") -> Markup:
    """A time the browser writes again in the viewer's zone; without script it stands in the county's. Its title says
    which."""
    local = local_time.at(at)
    form = {"date": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M", "second": "%Y-%m-%d %H:%M:%S"}[style]
    instant = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _TIME.format(
        instant=instant, style=style, told=local.isoformat(timespec="seconds"), text=local.strftime(form)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(icon=icon, tone=tone, monogram=monogram, asset=load_assets().address)
    return environment
