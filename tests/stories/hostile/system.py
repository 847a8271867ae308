"""The hostile system's server: one login page for each attack, endpoints that keep everything, and echoes."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote

from tests.connectors.gateway.raw import serving
from tests.stories.hostile.echoes import echoes_of, mirrors_of

_SCRIPTS = Path(__file__).parent
_FORM = (
    '<form id="f" method="post" action="/{name}/login"><input name="username"><input type="password" name="password">'
    '<button id="go">登录</button></form>'
)
_PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><title>{name}</title><script>const attack = "{name}";</script>'
    '<script src="/script/{name}.js"></script></head><body>{form}</body></html>'
)
# These pages draw their form by script, so that the first sign-in is supervised.
_DRAWN = frozenset({"teach"})
_WITHOUT_FORM = frozenset({*_DRAWN, "basic"})
_CHALLENGE = b'HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class HostileSystem:
    """`taken` are the passwords that came in login requests, by the attack's name; `stored` is everything else. As long
    as it is `polite`, its login pages have no script."""

    origin: str = ""
    polite: bool = False
    stored: list[bytes] = field(default_factory=list)
    taken: dict[str, list[str]] = field(default_factory=dict)
    signed_in: asyncio.Event = field(default_factory=asyncio.Event)
    authorization: str = field(default="", repr=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.decode("latin-1").split(" ")[:2]
        fields = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        }
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        path = target.partition("?")[0]
        if method == "POST" and re.fullmatch(r"/[\w-]+/login", path):
            writer.write(self._sign_in(path.split("/")[1], body))
            return
        if authorization := fields.pop("authorization", ""):
            self._take(authorization)
            head = re.sub(rb"(?im)^authorization:.*\r\n", b"", head)
        self.stored.append(head + body)
        if "websocket" in fields.get("upgrade", ""):
            await self._socket(fields["sec-websocket-key"], reader, writer, listens="refused" in path)
        elif path == "/stream":
            await self._stream(writer)
        elif path == "/endless":
            await _pour(writer)
        else:
            writer.write(self._answer(path))

    @property
    def secret(self) -> str:
        """The password that was taken last."""
        return next((one[-1] for one in reversed(self.taken.values())), "none yet")

    def _take(self, authorization: str) -> None:
        """What a Basic system is sent with every request is its own to know, and not among what is `stored`."""
        self.authorization = authorization
        password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")[2]
        self.taken["basic"] = [password]

    def _sign_in(self, attack: str, body: bytes) -> bytes:
        """The answer to it shows it as well."""
        sent = parse_qs(body.decode(), keep_blank_values=True)
        self.taken.setdefault(attack, []).append(sent.get("password", [""])[0])
        self.signed_in.set()
        answer = echoes_of(self.secret)["json"]
        return answer.replace(b'{"a"', b'{"success": true, "a"', 1).replace(b"Content-Length", b"X-Length", 1)

    def _answer(self, path: str) -> bytes:
        if path.startswith("/shown/"):
            return echoes_of(self.secret)[unquote(path.removeprefix("/shown/"))]
        if path.startswith("/mirror/"):
            return mirrors_of(self.authorization)[unquote(path.removeprefix("/mirror/"))]
        if path.startswith("/store/challenge/"):
            return _CHALLENGE
        if path.startswith("/worker/"):
            return _with_type("text/javascript", (_SCRIPTS / path.rsplit("/", 1)[1]).read_bytes())
        if path.startswith("/script/"):
            attack = _SCRIPTS / path.rsplit("/", 1)[1]
            script = (_SCRIPTS / "common.js").read_bytes() + (attack.read_bytes() if attack.exists() else b"")
            return _with_type("text/javascript", script)
        if path.endswith("/login"):
            return _with_type("text/html", login_page(path.split("/")[1], polite=self.polite).encode())
        if path == "/names":
            return _with_type("application/json", json.dumps(list(echoes_of("x"))).encode())
        if path == "/mirrors":
            return _with_type("application/json", json.dumps(list(mirrors_of("Basic eA=="))).encode())
        return _with_type("text/html" if path.endswith("/home") else "text/plain", b"<h1>home</h1>")

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """It was opened before the sign-in, and tells of it."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: open\n\n")
        await writer.drain()
        await self.signed_in.wait()
        writer.write(f"data: {self.secret}\n\n".encode())

    async def _socket(
        self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, listens: bool
    ) -> None:
        """It shows the password in a message, and again as the reason why it closes; or it only `listens`."""
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
        )
        if not listens:
            secret = self.secret.encode()
            writer.write(bytes((0x81, len(secret))) + secret)
            writer.write(bytes((0x88, len(secret) + 2)) + (4000).to_bytes(2) + secret)
        await writer.drain()
        self.stored.append(await reader.read())


def login_page(name: str, *, polite: bool) -> str:
    form = "" if name in _WITHOUT_FORM else _FORM.format(name=name)
    return form if polite else _PAGE.format(name=name, form=form)


def _with_type(kind: str, body: bytes) -> bytes:
    lines = ("HTTP/1.1 200 OK", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", "", "")
    return "\r\n".join(lines).encode() + body


async def _pour(writer: asyncio.StreamWriter) -> None:
    """A page without end, of chunks of one byte, until nobody takes it any more."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n<\r\n" * 10_000)
        await writer.drain()
        # Where the other side takes everything at once, nothing was waited for.
        await asyncio.sleep(0)


@asynccontextmanager
async def hostile_system() -> AsyncIterator[HostileSystem]:
    system = HostileSystem()
    async with serving(system.serve) as system.origin:
        yield system


def county_of(system: HostileSystem, passwords: Mapping[str, str]) -> dict[str, object]:
    """A system of its own for each attack, with an account of the cadre; and one that is open to everybody."""
    return {
        "version": 1,
        "systems": [
            {
                "slug": name,
                "name": {"zh": name},
                "way_in": [{"kind": "basic" if name == "basic" else "gateway"}],
                "upstream": system.origin,
                "login_path": f"/{name}/login",
                "http_approved_by": "zhouan",
            }
            for name in (*passwords, "open", "bomb")
        ],
        "items": [
            {"system": name, "owner": {"user": "wangxw"}, "login": "wang", "password": password}
            for name, password in passwords.items()
        ],
    }
