"""What programs are answered: a status, header fields, and a body in JSON or none."""

from collections.abc import Iterable
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from web.fields import Field

NO_STORE: tuple[Field, ...] = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
_JSON: Field = (b"content-type", b"application/json")
_NO_CONTENT = 204


class Answer:
    """An ASGI application that gives this answer. `fields` may be added to until then."""

    __slots__ = ("_body", "_status", "fields")

    def __init__(self, status: int, fields: Iterable[Field], body: bytes = b"") -> None:
        self._status = status
        self.fields = [*fields]
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        if self._status != _NO_CONTENT:  # RFC 9110 §8.6
            self.fields.append((b"content-length", b"%d" % len(self._body)))
        await send({"type": "http.response.start", "status": self._status, "headers": self.fields})
        await send({"type": "http.response.body", "body": self._body})


def json_answer(content: Any, fields: Iterable[Field] = NO_STORE, status: int = 200) -> Answer:
    return Answer(status, (_JSON, *fields), orjson.dumps(content))
