"""档案管理: Django's admin as it comes."""

import httpx

from demo.county_legacy import LegacyCounty
from demo.legacy.accounts import MAX_FAILURES, Outcome
from demo.legacy.danan import Danan
from demo.legacy.people import CADRE
from tests.demo.people import account_of


async def sign_in(system: Danan, client: httpx.AsyncClient, password: str, origin: str | None = None) -> httpx.Response:
    await client.get(system.origin + "/admin/login/")
    fields = {
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "username": account_of(system).login,
        "password": password,
        "next": "/admin/",
    }
    headers = {"Origin": origin or system.origin}
    return await client.post(system.origin + "/admin/login/", data=fields, headers=headers)


async def test_the_right_password_leads_to_the_catalogue(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.danan
    answer = await sign_in(system, client, account_of(system).password)
    assert (answer.status_code, answer.headers["location"]) == (302, "/admin/")
    home = await client.get(system.origin + "/admin/")
    assert CADRE.name in home.text
    assert "QX-2024-WS-0117" in (await client.get(system.origin + "/admin/archives/archive/")).text
    assert [one.secret for one in system.attempts] == [account_of(system).password]


async def test_its_style_sheets_come_from_django(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    answer = await client.get(county.danan.origin + "/static/admin/css/base.css")
    assert answer.headers["content-type"].startswith("text/css")


async def test_five_wrong_passwords_lock_the_account(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    system = county.danan
    for _ in range(MAX_FAILURES):
        answer = await sign_in(system, client, "wrong")
        assert 'class="errornote"' in answer.text
    assert (await sign_in(system, client, account_of(system).password)).status_code == 200
    assert [one.outcome for one in system.attempts][-2:] == [Outcome.LOCKED, Outcome.LOCKED]


async def test_django_refuses_a_form_that_another_origin_sent(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    answer = await sign_in(county.danan, client, account_of(county.danan).password, "http://elsewhere.test")
    assert answer.status_code == 403
    assert county.danan.attempts == []


async def test_the_next_county_starts_with_empty_tables(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    await sign_in(county.danan, client, account_of(county.danan).password)
    listed = (await client.get(county.danan.origin + "/admin/auth/user/")).text
    assert listed.count('class="field-username"') == 2
