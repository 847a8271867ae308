"""农房管理: GBK in framesets, with account names in Chinese."""

from urllib.parse import urlencode

import httpx

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.nongfang import Nongfang
from demo.legacy.people import CADRE
from tests.demo.people import account_of


async def sign_in(system: Nongfang, client: httpx.AsyncClient, password: str, charset: str = "gbk") -> str:
    body = urlencode({"yhm": CADRE.name, "mm": password}, encoding=charset)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(system.origin + "/chklogin.asp", content=body, headers=headers)
    return answer.content.decode("gbk")


async def test_only_the_page_itself_says_that_it_is_gbk(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    page = await client.get(county.nongfang.origin + "/login.asp")
    assert page.headers["content-type"] == "text/html"
    assert "charset=gb2312" in page.content.decode("ascii", "replace")
    assert "用 户 登 录" in page.content.decode("gbk")


async def test_the_first_page_is_frames_with_absolute_addresses(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    origin = county.nongfang.origin
    page = (await client.get(origin + "/")).content.decode("gbk")
    assert f'SRC="{origin}/login.asp"' in page
    assert f'SRC="{origin}/top.asp"' in page


async def test_a_name_in_gbk_signs_in_and_the_whole_window_moves_on(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.nongfang
    answer = await sign_in(system, client, account_of(system).password)
    assert f'window.top.location.href = "{system.origin}/main.asp"' in answer
    home = await client.get(system.origin + "/list.asp")
    assert f"{CADRE.name},您好" in home.content.decode("gbk")
    assert system.attempts[-1].secret == account_of(system).password


async def test_the_same_name_in_utf_8_is_nobody(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongfang
    answer = await sign_in(system, client, account_of(system).password, "utf-8")
    assert "用户名或密码错误" in answer


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongfang
    assert "用户名或密码错误" in await sign_in(system, client, "wrong")
    for _ in range(MAX_FAILURES - 1):
        await sign_in(system, client, "wrong")
    assert "已被锁定" in await sign_in(system, client, account_of(system).password)
    assert system.attempts[-1].outcome is Outcome.LOCKED


async def test_signing_out_ends_the_session(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.nongfang
    await sign_in(system, client, account_of(system).password)
    await client.get(system.origin + "/logout.asp")
    assert (await client.get(system.origin + "/list.asp")).headers["location"] == "login.asp"
