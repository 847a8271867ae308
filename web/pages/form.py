"""What a form sent, read with bounds. Only urlencoded bodies: no page of ours uploads a file."""

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request

from core.errors import YimenError
from web.fields import first_field

_MAX_BYTES = 64 * 1024
_MAX_FIELDS = 60
_URLENCODED = "application/x-www-form-urlencoded"


class FormError(YimenError):
    """A field is missing, too long or of the wrong form."""


class Form:
    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def text(self, name: str, *, most: int = 200) -> str:
        """The field without surrounding white space; empty when it was not sent."""
        value = self._fields.get(name, "").strip()
        if len(value) > most or any(ord(char) < 32 for char in value):
            raise FormError("ERR-FORM", f"{name} is too long or has control characters")
        return value

    def as_typed(self, name: str) -> str:
        """What was typed, refused or not, to be shown again in its field. Never for a password."""
        return self._fields.get(name, "")[:200]

    def required(self, name: str, *, most: int = 200) -> str:
        value = self.text(name, most=most)
        if not value:
            raise FormError("ERR-FORM", f"{name} is missing")
        return value

    def password(self, name: str) -> str:
        """Exactly what was typed: spaces count. Its content is never checked nor told here."""
        value = self._fields.get(name, "")
        if not value or len(value) > 256:
            raise FormError("ERR-FORM", f"{name} is missing or too long")
        return value

    def items(self) -> dict[str, str]:
        return dict(self._fields)


async def read_form(request: Request) -> Form:
    """Raises ERR-TOO_LARGE or ERR-FORM."""
    return Form(dict(await read_pairs(request)))


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """The fields in their order, repeated ones too. Raises ERR-TOO_LARGE or ERR-FORM."""
    kind = first_field(request.scope, b"content-type") or _URLENCODED
    if kind != _URLENCODED and kind.split(";")[0].strip().lower() != _URLENCODED:
        raise FormError("ERR-FORM", "the form is not urlencoded", status=415)
    body = await _read_body(request)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise FormError("ERR-FORM", "the form does not parse") from error


async def _read_body(request: Request) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > _MAX_BYTES:
            raise FormError("ERR-TOO_LARGE", "the form is larger than any of ours", status=413)
    return body


def own_path(address: str | None, otherwise: str = "/") -> str:
    """`address` when it is a path of our own, else `otherwise`: a sign-in never ends on somebody else's site."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or len(address) > 2000:
        return otherwise
    if any(ord(char) < 33 or char == "\\" for char in address):
        return otherwise
    parts = urlsplit(address)
    return otherwise if parts.scheme or parts.netloc else address
