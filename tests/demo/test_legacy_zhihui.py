"""智惠掌心: a plain form with a token per page."""

import re

import httpx

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.people import CADRE
from demo.legacy.zhihui import Zhihui
from tests.demo.people import account_of


async def token_of(system: Zhihui, client: httpx.AsyncClient) -> str:
    page = await client.get(system.origin + "/login")
    found = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def sign_in(system: Zhihui, client: httpx.AsyncClient, password: str) -> httpx.Response:
    fields = {"_csrf": await token_of(system, client), "username": account_of(system).login, "password": password}
    return await client.post(system.origin + "/login", data=fields)


async def test_the_right_password_leads_to_an_absolute_address_and_a_greeting(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.zhihui
    answer = await sign_in(system, client, account_of(system).password)
    assert (answer.status_code, answer.headers["location"]) == (302, system.origin + "/index")
    assert "domain" not in answer.headers["set-cookie"].lower()
    assert "path=/" in answer.headers["set-cookie"].lower()
    home = await client.get(answer.headers["location"])
    assert f"{CADRE.name},您好" in home.text


async def test_the_server_remembers_the_secret_that_reached_it(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.zhihui
    await sign_in(system, client, account_of(system).password)
    (attempt,) = system.attempts
    assert (attempt.login, attempt.secret, attempt.outcome) == (
        CADRE.mobile,
        account_of(system).password,
        Outcome.ACCEPTED,
    )
    assert [one.method for one in system.requests] == ["GET", "POST"]
    assert b"_csrf=" in system.requests[-1].body


async def test_a_wrong_password_says_how_many_tries_are_left(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    answer = await sign_in(county.zhihui, client, "wrong")
    assert "用户名或密码错误,还可尝试 4 次" in answer.text


async def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.zhihui
    for _ in range(MAX_FAILURES):
        answer = await sign_in(system, client, "wrong")
    assert "账号已锁定" in answer.text
    answer = await sign_in(system, client, account_of(system).password)
    assert "账号已锁定" in answer.text
    assert [one.outcome for one in system.attempts][-2:] == [Outcome.LOCKED, Outcome.LOCKED]


async def test_the_token_of_a_page_serves_once(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.zhihui
    fields = {"_csrf": await token_of(system, client), "username": account_of(system).login, "password": ""}
    await client.post(system.origin + "/login", data=fields)
    fields["password"] = account_of(system).password
    assert (await client.post(system.origin + "/login", data=fields)).status_code == 403
    assert len(system.attempts) == 1


async def test_signing_out_ends_the_session(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.zhihui
    await sign_in(system, client, account_of(system).password)
    await client.get(system.origin + "/logout")
    assert (await client.get(system.origin + "/index")).headers["location"] == system.origin + "/login"
