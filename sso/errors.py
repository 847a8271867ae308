"""What this floor refuses, as values: to people by a code, to programs by the standard's error."""

from core.errors import YimenError


class SsoError(YimenError):
    """A sign-in, session or directory request that is refused."""


class OAuthError(SsoError):
    """An error of RFC 6749 §5.2 and its relatives: `error` is the registered name, `description` plain ASCII."""

    def __init__(self, error: str, description: str = "", *, status: int = 400, detail: str = "") -> None:
        super().__init__(f"ERR-{error.upper()}", detail or description, status=status)
        self.error = error
        self.error_description = description
