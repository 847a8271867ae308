"""警钟: a captcha for the person, and alarms over a WebSocket."""

import json
import zlib

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.jingzhong import Jingzhong
from demo.legacy.people import CADRE
from tests.demo.people import account_of


async def sign_in(
    system: Jingzhong, client: httpx.AsyncClient, password: str, captcha: str | None = None
) -> httpx.Response:
    await client.get(system.origin + "/login.do")
    await client.get(system.origin + "/captcha.do")
    typed = system.captchas[-1] if captcha is None else captcha
    fields = {"j_username": account_of(system).login, "j_password": password, "validateCode": typed}
    return await client.post(system.origin + "/login.do", data=fields)


def address_of(system: Jingzhong) -> str:
    return system.origin.replace("http://", "ws://") + "/ws/alarm"


def cookie_of(client: httpx.AsyncClient) -> dict[str, str]:
    return {"Cookie": f"JSESSIONID={client.cookies['JSESSIONID']}"}


async def test_the_captcha_is_a_whole_png(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    picture = (await client.get(county.jingzhong.origin + "/captcha.do")).content
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    start = picture.index(b"IDAT") + 4
    assert len(zlib.decompress(picture[start : picture.index(b"IEND") - 8])) == 40 * (1 + 120 * 3)


async def test_password_and_captcha_sign_in(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.jingzhong
    answer = await sign_in(system, client, account_of(system).password)
    assert (answer.status_code, answer.headers["location"]) == (302, "index.do")
    assert CADRE.name in (await client.get(system.origin + "/index.do")).text


async def test_the_captcha_may_be_typed_in_small_letters(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.jingzhong
    await client.get(system.origin + "/login.do")
    await client.get(system.origin + "/captcha.do")
    account = account_of(system)
    fields = {"j_username": account.login, "j_password": account.password}
    answer = await client.post(
        system.origin + "/login.do", data=fields | {"validateCode": system.captchas[-1].lower() + " "}
    )
    assert answer.status_code == 302


async def test_a_wrong_captcha_does_not_count_against_the_password(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.jingzhong
    for _ in range(MAX_FAILURES + 1):
        answer = await sign_in(system, client, "wrong", "????")
    assert "验证码错误" in answer.text
    assert {one.outcome for one in system.attempts} == {Outcome.CAPTCHA}
    assert (await sign_in(system, client, account_of(system).password)).status_code == 302


async def test_a_captcha_serves_once(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.jingzhong
    await sign_in(system, client, "wrong")
    account = account_of(system)
    fields = {
        "j_username": account.login,
        "j_password": account.password,
        "validateCode": system.captchas[-1],
    }
    assert "验证码错误" in (await client.post(system.origin + "/login.do", data=fields)).text


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.jingzhong
    assert "用户名或密码不正确" in (await sign_in(system, client, "wrong")).text
    for _ in range(MAX_FAILURES - 1):
        await sign_in(system, client, "wrong")
    answer = await sign_in(system, client, account_of(system).password)
    assert "已被锁定" in answer.text
    assert system.attempts[-1].outcome is Outcome.LOCKED


async def test_alarms_reach_who_has_signed_in(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.jingzhong
    await sign_in(system, client, account_of(system).password)
    async with connect(
        address_of(system), origin=Origin(system.origin), additional_headers=cookie_of(client), proxy=None
    ) as socket:
        first = [json.loads(await socket.recv()) for _ in range(3)]
        assert {one["type"] for one in first} == {"alarm"}
        await socket.send("ping")
        assert json.loads(await socket.recv()) == {"type": "heartbeat"}
        await system.ring("前岙村文化礼堂", "手动报警按钮")
        assert json.loads(await socket.recv())["place"] == "前岙村文化礼堂"


async def test_alarms_are_not_for_strangers_nor_for_pages_of_other_origins(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.jingzhong
    await client.get(system.origin + "/login.do")
    with pytest.raises(InvalidStatus):
        await connect(
            address_of(system), origin=Origin(system.origin), additional_headers=cookie_of(client), proxy=None
        )
    await sign_in(system, client, account_of(system).password)
    with pytest.raises(InvalidStatus):
        await connect(
            address_of(system), origin=Origin("http://elsewhere.test"), additional_headers=cookie_of(client), proxy=None
        )
