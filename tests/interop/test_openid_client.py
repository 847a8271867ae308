"""openid-client from npm runs the whole life of a sign-in against the provider."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.interop.conftest import Provider
from tests.web.conftest import REDIRECT_URI, SECRET

SCRIPT = Path(__file__).parents[2] / "demo" / "clients" / "openid_client.mjs"


async def test_openid_client_runs_every_flow_and_is_refused_what_it_should_be(provider: Provider) -> None:
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", str(SCRIPT), stdin=pipe, stdout=pipe)
    assert node.stdin is not None
    assert node.stdout is not None

    def tell(content: dict[str, str]) -> None:
        assert node.stdin is not None
        node.stdin.write(json.dumps(content).encode() + b"\n")

    tell(
        {
            "issuer": provider.issuer,
            "client_id": "affairs",
            "client_secret": SECRET,
            "redirect_uri": REDIRECT_URI,
            "post_logout_redirect_uri": "https://affairs.example/bye",
            "scope": "openid profile offline_access",
        }
    )
    told: dict[str, Any] = {"go": ""}
    while "go" in told:
        told = json.loads(await node.stdout.readline())
        if "go" in told:
            tell({"came": await provider.play_the_person(told["go"])})
    assert await node.wait() == 0
    assert told["claims"]["iss"] == provider.issuer
    assert told["userinfo"]["name"] == "林晓岚"
    refusals = {name: told[name] for name in ("reusedRefreshToken", "reusedCode", "wrongVerifier")}
    assert refusals == dict.fromkeys(refusals, "invalid_grant")
    assert (told["active"], told["afterReuse"], told["afterRevocation"]) == (True, False, False)
    assert told["own"] == "bearer"
    goodbye = await provider.agent.get(told["goodbye"])
    assert goodbye.headers["location"] == "https://affairs.example/bye?state=bye"
