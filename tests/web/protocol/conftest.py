"""A client's side of the code flow, step by step."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, REDIRECT_URI, SECRET, add_client
from web.composition import House

VERIFIER = "a-code-verifier-that-is-long-enough-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Flow:
    """What the client sends; a test changes what it is about."""

    agent: Agent
    client_id: str = "affairs"
    secret: str | None = SECRET
    request: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.request = {
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile",
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **self.request,
        }

    async def authorize(self, **changes: str | None) -> httpx.Response:
        sent = {name: value for name, value in {**self.request, **changes}.items() if value is not None}
        return await self.agent.get(f"/authorize?{urlencode(sent)}")

    async def answer(self, **changes: str | None) -> dict[str, str]:
        """The authorization response of the signed-in person, who allows what is asked."""
        response = await self.agent.follow(await self.authorize(**changes))
        if response.status_code == 200:
            response = await self.agent.follow(await self.agent.submit(response, "consent-allow"))
        return answer_of(response)

    async def code(self, **changes: str | None) -> str:
        return (await self.answer(**changes))["code"]

    async def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        return await self.token(
            grant_type="authorization_code",
            code=code,
            **{"redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **changes},
        )

    async def token(self, **form: str | None) -> httpx.Response:
        return await self.post("/token", **form)

    async def post(self, path: str, **form: str | None) -> httpx.Response:
        data = {name: value for name, value in form.items() if value is not None}
        if self.secret is None:
            data.setdefault("client_id", self.client_id)
            return await self.agent.client.post(path, data=data)
        return await self.agent.client.post(path, data=data, auth=(self.client_id, self.secret))

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        response = await self.redeem(await self.code(**changes))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def userinfo(self, access_token: str) -> httpx.Response:
        return await self.agent.get("/userinfo", headers={"authorization": f"Bearer {access_token}"})

    async def is_active(self, token: str) -> bool:
        return bool((await self.post("/introspect", token=token)).json()["active"])


@pytest.fixture
async def flow(house: House, agent: Agent, lin: str) -> Flow:
    """The flow of a confidential client with a person who has signed in."""
    await add_client(house)
    await agent.sign_in("lin", PASSWORD)
    return Flow(agent)
