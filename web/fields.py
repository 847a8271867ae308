"""The header fields of a request, where Starlette's own view of them would cost more than what is done with them."""

from starlette.types import Scope


def first_field(scope: Scope, name: bytes) -> str | None:
    """The first field of this name, which is in lower case; None where there is none."""
    for other, value in scope["headers"]:
        if other == name:
            text: str = value.decode("latin-1")
            return text
    return None
