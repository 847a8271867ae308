"""What one connection does again and again: a mode for each row of the benchmark."""

import base64
import hashlib
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

import orjson

from tests.bench.generator.connection import Answer, Connection
from tests.bench.generator.job import Target

_CODE = re.compile(rb"(?i)\r\nlocation:[^\r]*[?&]code=([^&\r]+)")
_MOST_TOLD = 200


class UnexpectedError(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, asked: str, answer: Answer) -> None:
        said = (answer.body or answer.head).decode("utf-8", "replace")
        super().__init__(f"{asked}: {answer.status} {said[:_MOST_TOLD]}")


class Mode(ABC):
    def __init__(self, target: Target, connection: Connection) -> None:
        self._target = target
        self._connection = connection

    async def prepare(self) -> None:  # noqa: B027 most have nothing to prepare
        """What a turn needs, before the time is counted."""

    @abstractmethod
    async def turn(self) -> None:
        """Raises UnexpectedError unless the answer is right."""


class ClientCredentials(Mode):
    def __init__(self, target: Target, connection: Connection) -> None:
        super().__init__(target, connection)
        form = {"grant_type": "client_credentials"} | ({"scope": target.own_scope} if target.own_scope else {})
        self._request = _post(target.token, urlencode(form), _basic(target))

    async def turn(self) -> None:
        answer = await self._connection.ask(self._request)
        if answer.status != 200 or b'"access_token"' not in answer.body:
            raise UnexpectedError("client_credentials", answer)


class Authorize(Mode):
    """The signed-in person's way over the authorization endpoint, with PKCE."""

    def __init__(self, target: Target, connection: Connection) -> None:
        super().__init__(target, connection)
        self._verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self._verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        address = f"{target.authorize}&code_challenge={challenge}&code_challenge_method=S256"
        self._request = _get(address, {"cookie": target.cookies})

    async def turn(self) -> None:
        await self.code()

    async def code(self) -> str:
        answer = await self._connection.ask(self._request)
        found = _CODE.search(answer.head)
        if answer.status not in (302, 303) or found is None:
            raise UnexpectedError("authorize", answer)
        return found[1].decode()


class Hop(Authorize):
    """A system is opened: authorize, then code for tokens."""

    def __init__(self, target: Target, connection: Connection) -> None:
        super().__init__(target, connection)
        self._token = _Post(target.token, _basic(target))
        fixed = {"grant_type": "authorization_code", "redirect_uri": target.redirect_uri}
        self._form = urlencode(fixed | {"code_verifier": self._verifier}) + "&code="

    async def turn(self) -> None:
        await self.tokens()

    async def tokens(self) -> Answer:
        # The code is in the form of a query already.
        answer = await self._connection.ask(self._token.of(self._form + await self.code()))
        if answer.status != 200 or b'"access_token"' not in answer.body:
            raise UnexpectedError("code", answer)
        return answer


class Refresh(Hop):
    """Each connection has a refresh token of its own, and goes on with the new one where it is given one."""

    def __init__(self, target: Target, connection: Connection) -> None:
        super().__init__(target, connection)
        self._refresh_token = ""

    async def prepare(self) -> None:
        self._keep(await self.tokens())

    async def turn(self) -> None:
        form = f"grant_type=refresh_token&refresh_token={quote(self._refresh_token, safe='')}"
        answer = await self._connection.ask(self._token.of(form))
        if answer.status != 200 or b'"access_token"' not in answer.body:
            raise UnexpectedError("refresh", answer)
        self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        self._refresh_token = orjson.loads(answer.body).get("refresh_token", self._refresh_token)


class Introspection(Hop):
    """A resource server asks about one token."""

    _asking = b""

    async def prepare(self) -> None:
        access_token = orjson.loads((await self.tokens()).body)["access_token"]
        form = urlencode({"token": access_token})
        self._asking = _post(self._target.introspection, form, _basic(self._target))

    async def turn(self) -> None:
        answer = await self._connection.ask(self._asking)
        if answer.status != 200 or orjson.loads(answer.body).get("active") is not True:
            raise UnexpectedError("introspection", answer)


class Userinfo(Hop):
    _asking = b""

    async def prepare(self) -> None:
        access_token = orjson.loads((await self.tokens()).body)["access_token"]
        self._asking = _get(self._target.userinfo, {"authorization": f"Bearer {access_token}"})

    async def turn(self) -> None:
        answer = await self._connection.ask(self._asking)
        if answer.status != 200 or b'"sub"' not in answer.body:
            raise UnexpectedError("userinfo", answer)


class Page(Mode):
    def __init__(self, target: Target, connection: Connection) -> None:
        super().__init__(target, connection)
        self._request = _get(target.page, target.headers)

    async def turn(self) -> None:
        answer = await self._connection.ask(self._request)
        if answer.status != 200:
            raise UnexpectedError("page", answer)


MODES: Mapping[str, type[Mode]] = {
    "client_credentials": ClientCredentials,
    "authorize": Authorize,
    "hop": Hop,
    "refresh": Refresh,
    "introspection": Introspection,
    "userinfo": Userinfo,
    "page": Page,
}


class _Post:
    """Requests that differ in their form alone."""

    def __init__(self, address: str, authorization: str) -> None:
        path, fields = _line_and_fields(address, {"authorization": authorization})
        self._start = f"POST {path} HTTP/1.1\r\n{fields}content-type: application/x-www-form-urlencoded\r\n"

    def of(self, form: str) -> bytes:
        return f"{self._start}content-length: {len(form)}\r\n\r\n{form}".encode()


def _post(address: str, form: str, authorization: str) -> bytes:
    return _Post(address, authorization).of(form)


def _get(address: str, headers: Mapping[str, str]) -> bytes:
    path, fields = _line_and_fields(address, headers)
    return f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()


def _line_and_fields(address: str, headers: Mapping[str, str]) -> tuple[str, str]:
    parts = urlsplit(address)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    sent = {"host": parts.netloc, "accept": "*/*"} | dict(headers)
    return path, "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)


def _basic(target: Target) -> str:
    """RFC 6749 §2.3.1: both parts are encoded as in a form."""
    pair = f"{quote(target.client_id, safe='')}:{quote(target.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
