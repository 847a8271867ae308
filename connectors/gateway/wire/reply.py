"""An answer on its way to the browser, as ASGI messages."""

from collections.abc import Sequence

from starlette.types import Send

from connectors.gateway.wire.answer import UpstreamAnswer
from connectors.gateway.wire.headers import Header

# RFC 9110 §6.4.1
NO_BODY_STATUS = frozenset({204, 304})


async def send_start(send: Send, status: int, headers: Sequence[Header]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def send_bodiless(send: Send, answer: UpstreamAnswer, headers: list[Header]) -> None:
    """RFC 9110 §8.6: such an answer's length is that of the body it does not have; of a coded body, it is not ours."""
    length = answer.headers.get("content-length")
    if length is not None and length.isdigit() and answer.status not in NO_BODY_STATUS and answer.is_as_sent:
        headers = [*headers, ("content-length", length)]
    await send_start(send, answer.status, headers)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_whole(send: Send, status: int, headers: Sequence[Header], body: bytes) -> None:
    bodiless = status in NO_BODY_STATUS
    length = ("content-length", str(len(body)))
    await send_start(send, status, headers if bodiless else [*headers, length])
    await send({"type": "http.response.body", "body": b"" if bodiless else body})
