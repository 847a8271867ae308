"""文化礼堂: a page drawn by script, JSON and a bearer token."""

import re

import httpx

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.people import CADRE
from demo.legacy.wenhua import Wenhua
from tests.demo.people import account_of


async def sign_in(system: Wenhua, client: httpx.AsyncClient, password: str) -> httpx.Response:
    content = {"username": account_of(system).login, "password": password}
    return await client.post(system.origin + "/api/login", json=content)


async def test_the_page_holds_no_field_until_its_script_has_run(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    page = await client.get(county.wenhua.origin + "/")
    assert "<input" not in page.text
    script = re.search(r'<script src="([^"]+)"', page.text)
    assert script is not None
    assert (await client.get(county.wenhua.origin + script[1])).status_code == 200


async def test_the_right_password_gives_a_token_that_opens_the_home(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.wenhua
    answer = (await sign_in(system, client, account_of(system).password)).json()
    headers = {"Authorization": f"Bearer {answer['data']['token']}"}
    person = (await client.get(system.origin + "/api/getInfo", headers=headers)).json()
    assert person["data"]["name"] == CADRE.name
    activities = (await client.get(system.origin + "/api/activities", headers=headers)).json()
    assert activities["data"]["rows"]
    assert system.attempts[-1].secret == account_of(system).password


async def test_a_wrong_password_is_refused_with_http_200(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    answer = await sign_in(county.wenhua, client, "wrong")
    assert (answer.status_code, answer.json()) == (200, {"code": 500, "msg": "账号或密码错误"})


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.wenhua
    for _ in range(MAX_FAILURES):
        await sign_in(system, client, "wrong")
    answer = await sign_in(system, client, account_of(system).password)
    assert "已锁定" in answer.json()["msg"]
    assert system.attempts[-1].outcome is Outcome.LOCKED


async def test_a_token_is_worth_nothing_after_signing_out(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.wenhua
    token = (await sign_in(system, client, account_of(system).password)).json()["data"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    await client.post(system.origin + "/api/logout", headers=headers)
    assert (await client.get(system.origin + "/api/getInfo", headers=headers)).json()["code"] == 401


async def test_a_body_that_is_no_sign_in_reaches_no_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    for body in (b"", b"[]", b"{}", b"\xff"):
        answer = await client.post(county.wenhua.origin + "/api/login", content=body)
        assert answer.json()["code"] == 500
    assert county.wenhua.attempts == []
