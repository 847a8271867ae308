"""志愿服务: HTTP Basic."""

import httpx
import pytest

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.people import CADRE
from tests.demo.people import account_of


async def test_without_a_password_the_server_asks_for_one(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    answer = await client.get(county.zhiyuan.origin + "/")
    assert answer.status_code == 401
    # RFC 7617 §2.1: the only charset there is.
    assert answer.headers["www-authenticate"] == 'Basic realm="Qingxi Volunteers", charset="UTF-8"'
    assert county.zhiyuan.attempts == []


async def test_every_request_brings_the_password(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.zhiyuan
    account = account_of(system)
    for _ in range(2):
        answer = await client.get(system.origin + "/", auth=(account.login, account.password))
        assert f"{CADRE.name},您好" in answer.text
    assert [one.secret for one in system.attempts] == [account.password] * 2


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.zhiyuan
    account = account_of(system)
    assert (await client.get(system.origin + "/", auth=(account.login, "wrong"))).status_code == 401
    for _ in range(MAX_FAILURES - 1):
        await client.get(system.origin + "/", auth=(account.login, "wrong"))
    answer = await client.get(system.origin + "/", auth=(account.login, account.password))
    assert (answer.status_code, "账号已锁定" in answer.text) == (403, True)
    assert system.attempts[-1].outcome is Outcome.LOCKED


async def test_signing_out_makes_the_browser_ask_again(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    account = account_of(county.zhiyuan)
    answer = await client.get(county.zhiyuan.origin + "/logout", auth=(account.login, account.password))
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic", "Basic ???", "Basic bm9jb2xvbg==", "Basic /////w=="])
async def test_a_header_that_is_no_basic_credential_is_no_attempt(
    county: LegacyCounty, client: httpx.AsyncClient, header: str
) -> None:
    answer = await client.get(county.zhiyuan.origin + "/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert county.zhiyuan.attempts == []
