"""A `yimen serve` of its own with one person, one client and one legacy system, and a person signed in to it."""

import asyncio
import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import aiohttp

from tests.stories.conftest import free_port

_PASSWORD, _SECRET = "Lan-ting-2026!", "bench-client-secret-0123456789-abcdef"
_REDIRECT_URI = "http://127.0.0.1:1/callback"
_VERIFIER = "bench-code-verifier-0123456789-0123456789-0123456789"
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Served:
    def __init__(self, issuer: str, client: aiohttp.ClientSession) -> None:
        self._issuer = issuer
        self._gateway_port = (urlsplit(issuer).port or 0) + 1
        self._client = client
        self._cookies = ""
        self._basic = {"authorization": aiohttp.BasicAuth("bench", _SECRET).encode()}

    async def post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        async with self._client.post(self._issuer + path, data=form, headers=self._basic) as answer:
            content: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {content}")
            return content

    async def get(self, path: str, headers: Mapping[str, str]) -> None:
        await self.fetch(self._issuer + path, headers)

    async def fetch(self, address: str, headers: Mapping[str, str]) -> None:
        async with self._client.get(address, headers=headers) as answer:
            await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{address}: {answer.status}")

    async def authorize(self) -> str:
        """A hop of the signed-in person; gives the code."""
        query = {
            "client_id": "bench",
            "redirect_uri": _REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile",
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
        location = await self._location(f"{self._issuer}/authorize?{urlencode(query)}", self._cookies)
        return parse_qs(urlsplit(location).query)["code"][0]

    async def redeem(self, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": _REDIRECT_URI,
            "code_verifier": _VERIFIER,
        }
        return await self.post("/token", form)

    async def sign_in(self) -> None:
        async with self._client.get(f"{self._issuer}/sign-in") as answer:
            hidden = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', await answer.text()))
            browser = _cookies_of(answer)
        form = {"csrf": hidden["csrf"], "username": "bench", "password": _PASSWORD}
        async with self._client.post(
            f"{self._issuer}/sign-in", data=form, headers={"cookie": browser}, allow_redirects=False
        ) as answer:
            self._cookies = f"{browser}; {_cookies_of(answer)}"

    async def enter_gateway(self) -> str:
        """Opens the legacy system's gateway host; gives the cookie of its session."""
        begin = await self._gateway("/small", "")
        at_gateway = _cookies_of(begin)
        callback = await self._location(begin.headers["location"], self._cookies)
        parts = urlsplit(callback)
        return _cookies_of(await self._gateway(f"{parts.path}?{parts.query}", at_gateway))

    async def through_gateway(self, path: str, cookie: str) -> None:
        answer = await self._gateway(path, cookie)
        if answer.status != 200:
            raise RuntimeError(f"gateway {path}: {answer.status}")

    async def _gateway(self, path: str, cookie: str) -> aiohttp.ClientResponse:
        headers = {"host": f"bench.localhost:{self._gateway_port}", "cookie": cookie, "accept": "text/html"}
        address = urljoin(f"http://127.0.0.1:{self._gateway_port}", path)
        async with self._client.get(address, headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer

    async def _location(self, address: str, cookie: str) -> str:
        async with self._client.get(address, headers={"cookie": cookie}, allow_redirects=False) as answer:
            return answer.headers["location"]


@asynccontextmanager
async def open_served(folder: Path, legacy: str) -> AsyncIterator[Served]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    issuer = f"http://localhost:{port}"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")} | {
        "YIMEN_ISSUER": issuer,
        "YIMEN_PORT": str(port),
        "YIMEN_DATA_DIR": str(folder),
        "YIMEN_CUSTODIAN": "keyfile",
        "YIMEN_UPSTREAM_ALLOW": "127.0.0.0/8",
        "YIMEN_LOG_LEVEL": "ERROR",
    }
    command = (sys.executable, "-c", "from web.cli import main; main()")
    pipe = asyncio.subprocess.PIPE
    apply = await asyncio.create_subprocess_exec(*command, "apply", "-", env=environment, stdin=pipe, stdout=pipe)
    await apply.communicate(json.dumps(_county(legacy)).encode())
    server = await asyncio.create_subprocess_exec(*command, "serve", env=environment)
    connector = aiohttp.TCPConnector(limit=100)
    try:
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
            await _until_ready(client, issuer)
            served = Served(issuer, client)
            await served.sign_in()
            yield served
    finally:
        server.terminate()
        await server.wait()


async def _until_ready(client: aiohttp.ClientSession, issuer: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(aiohttp.ClientError):
                async with client.get(f"{issuer}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


def _cookies_of(answer: aiohttp.ClientResponse) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items() if morsel.value)


def _county(legacy: str) -> dict[str, Any]:
    return {
        "version": 1,
        "users": [
            {"username": "bench", "name": "测试", "password": _PASSWORD, "totp": "off"},
            {"username": "security", "name": "安全", "roles": ["security_admin"]},
        ],
        "clients": [
            {
                "client_id": "bench",
                "client_secret": _SECRET,
                "first_party": True,
                "policy": "oidc",
                "redirect_uris": [_REDIRECT_URI],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scope": "openid profile bench",
            }
        ],
        "systems": [
            {
                "slug": "bench",
                "name": {"zh": "测试"},
                "way_in": [{"kind": "gateway"}],
                "upstream": legacy,
                "http_approved_by": "security",
            }
        ],
    }
