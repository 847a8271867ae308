"""Header fields, where Starlette's own view of them would cost more than what is done with them."""

from starlette.types import Scope

# Of a request or an answer, as ASGI has it: the name in lower case.
Field = tuple[bytes, bytes]


def first_field(scope: Scope, name: bytes) -> str | None:
    """The first field of this name, which is in lower case; None where there is none."""
    for other, value in scope["headers"]:
        if other == name:
            text: str = value.decode("latin-1")
            return text
    return None
