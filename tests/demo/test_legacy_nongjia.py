"""农家书屋: the password is hashed with a salt before it is sent."""

import re

import httpx

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.nongjia import Nongjia, salted
from demo.legacy.people import CADRE
from tests.demo.people import account_of


async def salt_of(system: Nongjia, client: httpx.AsyncClient) -> str:
    page = await client.get(system.origin + "/login.php")
    found = re.search(r'id="salt" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def send(system: Nongjia, client: httpx.AsyncClient, secret: str) -> httpx.Response:
    fields = {"username": account_of(system).login, "password": secret}
    return await client.post(system.origin + "/login.php", data=fields)


async def test_the_salted_hash_signs_in(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongjia
    secret = salted(account_of(system).password, await salt_of(system, client))
    answer = await send(system, client, secret)
    assert "location.href='index.php'" in answer.text
    assert CADRE.name in (await client.get(system.origin + "/index.php")).text
    assert [one.secret for one in system.attempts] == [secret]


async def test_the_password_itself_is_refused(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongjia
    await salt_of(system, client)
    assert "用户名或密码错误" in (await send(system, client, account_of(system).password)).text


async def test_a_salt_serves_once(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongjia
    secret = salted(account_of(system).password, await salt_of(system, client))
    await send(system, client, "0" * 32)
    assert "页面已过期" in (await send(system, client, secret)).text


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongjia
    for _ in range(MAX_FAILURES):
        await salt_of(system, client)
        await send(system, client, "0" * 32)
    answer = await send(system, client, salted(account_of(system).password, await salt_of(system, client)))
    assert "已被锁定" in answer.text
    assert system.attempts[-1].outcome is Outcome.LOCKED
