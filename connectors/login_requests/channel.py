"""The socket that a message goes over: what of its address stays from visit to visit, and how its messages are framed.

The address alone says the framing, as a content type does for a body: Engine.IO names itself in the query, SockJS in
the path; every other socket carries JSON, alone or with SignalR's mark behind it, which no JSON document has.
"""

import re
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import parse_qsl, urlsplit

from connectors.login_requests.request import SOCKET, RequestLine, plain_path

Framing = Literal["json", "engine.io", "sockjs", "unclear"]

# What Engine.IO itself says in the query (its protocol, §URL): transport and session change, the rest is of no matter.
_ENGINE = frozenset({"EIO", "transport", "sid", "t", "j", "b64"})
# The SockJS client makes up a server's number and a session's name for each connection (SockJS protocol, §Base URL).
_SOCKJS = re.compile(r"/[0-9]{3}/[a-z0-9_]{8}/websocket\Z")
_SOCKJS_PATH = "/*/*/websocket"


@dataclass(frozen=True)
class Channel:
    """`session` is the Engine.IO session that the address names, empty where it begins one."""

    origin: str
    path: str
    query: tuple[tuple[str, str], ...]
    framing: Framing
    is_polling: bool = False
    session: str = ""

    @classmethod
    def parse(cls, origin: str, target: str) -> Self:
        parts = urlsplit(target)
        path, query = plain_path(parts.path), parse_qsl(parts.query, keep_blank_values=True, encoding="latin-1")
        own = [(name, value) for name, value in query if name in _ENGINE]
        if not any(name == "EIO" for name, _ in own):
            framing: Framing = "sockjs" if _SOCKJS.search(path) else "json"
            return cls(origin, _SOCKJS.sub(_SOCKJS_PATH, path), tuple(query), framing)
        said = dict(own)
        is_clear = len(said) == len(own) and said.get("transport") in ("websocket", "polling") and "j" not in said
        return cls(
            origin,
            path,
            tuple(pair for pair in query if pair not in own),
            "engine.io" if is_clear else "unclear",
            said.get("transport") == "polling",
            said.get("sid", ""),
        )

    def line(self, namespace: str) -> RequestLine:
        """A `namespace` of Socket.IO stands behind the path and a space, which no path of a request has."""
        path = f"{self.path} {namespace}" if namespace else self.path
        return RequestLine(origin=self.origin, method=SOCKET, path=path, query=self.query)
