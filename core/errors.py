"""The root of every error Yimen raises on purpose.

An error is a value: a stable code that people can read out on the telephone, an HTTP-like status, safe
parameters for the public text, and a detail for the log. The public text itself stands in the locale
catalogues under `errors.<code>`; no error ever carries a secret.
"""

from collections.abc import Mapping


class YimenError(Exception):
    """`code` is ASCII, e.g. `ERR-REDIRECT_URI`; `parameters` fill the public text; `detail` goes to the log.
    `retry_after`: in how many seconds trying again may help (RFC 9110 §10.2.3), where that is known."""

    status: int = 400
    retry_after: int | None = None

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        parameters: Mapping[str, str | int] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.parameters: Mapping[str, str | int] = parameters or {}
        if status is not None:
            self.status = status
        if retry_after is not None:
            self.retry_after = retry_after


class ConfigurationError(YimenError):
    """The operator's settings are wrong or unsafe; Yimen refuses to start."""

    status = 500


class UnavailableError(YimenError):
    """Something that Yimen stands on does not work at the moment; nothing was done, and trying again may help."""

    status = 503
    retry_after = 5


class UnreadableError(YimenError):
    """What stands in the database is none of the values that its column can have: somebody else wrote it."""

    status = 409


class OutboundError(YimenError):
    """An outbound request was refused by the guard or failed on the way."""

    status = 502
