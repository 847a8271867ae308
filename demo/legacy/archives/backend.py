from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied

from demo.legacy.accounts import Accounts
from demo.legacy.django_admin import ACCOUNTS


class LockingBackend(ModelBackend):  # type: ignore[misc]
    """Django compares; the server counts, and locks after five failures. Django's form shows no difference."""

    def authenticate(self, request: Any, username: str | None = None, password: str | None = None, **more: Any) -> Any:
        user = super().authenticate(request, username, password, **more)
        accounts: Accounts = request.scope[ACCOUNTS]
        _, account = accounts.settle(username or "", password or "", right=user is not None)
        if account is None:
            raise PermissionDenied
        return user
