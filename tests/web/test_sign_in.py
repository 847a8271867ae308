"""Signing in as a browser does it, and as an attacker does."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from core.clock import FrozenClock
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_person
from web.composition import House
from web.first_start import create_administrators

NEW_PASSWORD = "Qing-he-2027?"
STEPS = ("/sign-in", "/sign-in/otp", "/sign-in/password", "/sign-in/totp")


def seed_on(page: httpx.Response) -> pyotp.TOTP:
    found = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None, page.text
    return pyotp.TOTP(found[1].replace(" ", ""))


async def is_signed_in(agent: Agent) -> bool:
    return (await agent.get("/sessions")).status_code == 200


async def test_the_first_administrator_comes_in_with_a_new_password_and_a_second_factor(
    house: House, agent: Agent, clock: FrozenClock
) -> None:
    path = await create_administrators(house)
    assert path is not None
    name, password = path.read_text(encoding="utf-8").splitlines()[0].split("\t")
    page = await agent.follow(await agent.sign_in(name, password))
    for typed, repeated, told in (("x", "x", "ERR-PASSWORD_POLICY"), (NEW_PASSWORD, "x", "ERR-PASSWORDS_DIFFER")):
        page = await agent.submit(page, "password-submit", password=typed, repeated=repeated)
        assert told in page.text
    page = await agent.follow(await agent.submit(page, "password-submit", password=NEW_PASSWORD, repeated=NEW_PASSWORD))
    wrong = await agent.submit(page, "totp-submit", otp="000000")
    assert seed_on(wrong).secret == seed_on(page).secret
    done = await agent.submit(wrong, "totp-submit", otp=seed_on(page).at(clock.now()))
    recovery = re.findall(r"<li>([0-9a-f-]+)</li>", done.text)
    assert len(recovery) == 8
    assert await is_signed_in(agent)
    assert not path.exists() or password not in (await agent.get("/sessions")).text

    other = Agent(agent.client)
    other.client.cookies.clear()
    page = await other.follow(await other.sign_in(name, NEW_PASSWORD))
    assert (await other.submit(page, "login-submit", otp=seed_on(wrong).at(clock.now()))).status_code == 401, "used"
    await other.submit(page, "login-submit", otp=recovery[0].upper())
    assert await is_signed_in(other)


async def test_who_changes_their_password_stays_signed_in_and_other_devices_do_not(
    house: House, agents: Callable[[], Agent], lin: str
) -> None:
    here, there = agents(), agents()
    for agent in (here, there):
        await agent.sign_in("lin", PASSWORD)
    page = await here.get("/password")
    new = {"password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
    refused = await here.submit(page, "password-submit", current="wrong", **new)
    assert refused.status_code == 401
    weak = await here.submit(page, "password-submit", current=PASSWORD, password="lin", repeated="lin")
    assert "ERR-PASSWORD_POLICY" in weak.text
    assert await is_signed_in(here), "the proof was good, only the new password was not"
    done = await here.submit(weak, "password-submit", current=PASSWORD, **new)
    assert done.headers["location"].startswith("/sessions")
    assert await is_signed_in(here)
    assert not await is_signed_in(there)


async def test_a_wrong_code_while_setting_up_a_second_factor_keeps_the_person_signed_in(
    agent: Agent, clock: FrozenClock, lin: str
) -> None:
    await agent.sign_in("lin", PASSWORD)
    page = await agent.get("/totp")
    wrong = await agent.submit(page, "totp-submit", otp="000000", password=PASSWORD)
    assert wrong.status_code == 401
    done = await agent.submit(wrong, "totp-submit", otp=seed_on(page).at(clock.now()), password=PASSWORD)
    assert done.status_code == 200
    assert await is_signed_in(agent)


# CVE-2026-49448: a step that is sent nothing, or nonsense, is not a step done.
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"", "multipart/form-data; boundary=x"),
        (b"otp=&password=&username=", "application/x-www-form-urlencoded"),
        (b"\xff\xfe%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"otp=1" for _ in range(200)), "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", STEPS)
async def test_an_empty_or_malformed_step_leads_nowhere(
    house: House, agent: Agent, lin: str, path: str, content: bytes, kind: str
) -> None:
    async with house.database.write() as connection:
        await house.users.set_flags(connection, lin, must_change_password=True)
    await agent.sign_in("lin", PASSWORD)
    headers = {"content-type": kind, "sec-fetch-site": "same-origin"}
    answer = await agent.client.post(path, content=content, headers=headers)
    assert answer.status_code in (403, 413, 415, 422, 400)
    assert not await is_signed_in(agent)


# CVE-2024-47070: what a proxy may have said cannot make a check fall away.
@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"])
@pytest.mark.parametrize("value", ["a", "", ",,,", "127.0.0.1, a", "[::", "for=_x;by=;", "999.1.1.1"])
async def test_what_an_untrusted_peer_says_of_the_address_changes_nothing(
    house: House, agent: Agent, lin: str, name: str, value: str
) -> None:
    agent.client.headers[name] = value
    assert (await agent.sign_in("lin", "wrong")).status_code == 401
    assert (await agent.sign_in("lin", PASSWORD)).status_code == 303
    async with house.database.read() as connection:
        assert {session.address for session in await house.sessions.list(connection, lin)} == {"127.0.0.1"}


# GHSA-2wmj-46rj-qm2w, CVE-2017-12161: addresses are made from the settings, never from what the request says.
@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
async def test_no_address_is_made_from_the_host_that_a_request_names(agent: Agent, lin: str, header: str) -> None:
    for path in ("/", "/sign-in", "/.well-known/openid-configuration", "/authorize?client_id=x"):
        answer = await agent.get(path, headers={header: "evil.example"})
        assert "evil.example" not in answer.text + str(answer.headers)


# CVE-2026-7507, CVE-2024-7341: what a browser held before it signed in is worth nothing after.
async def test_a_planted_session_cookie_is_not_taken_over(agents: Callable[[], Agent], lin: str) -> None:
    victim, attacker = agents(), agents()
    for agent in (victim, attacker):
        agent.client.cookies.set("yimen-session", "planted-by-the-attacker", domain="localhost.local", path="/")
        agent.client.cookies.set("yimen-pending", "planted-by-the-attacker", domain="localhost.local", path="/")
    await victim.sign_in("lin", PASSWORD)
    assert await is_signed_in(victim)
    assert not await is_signed_in(attacker)


async def test_the_second_step_belongs_to_the_browser_that_took_the_first(
    house: House, agents: Callable[[], Agent], clock: FrozenClock, lin: str
) -> None:
    async with house.database.write() as connection:
        await house.totp.enrol(connection, lin, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", actor="operator:test")
    victim, attacker = agents(), agents()
    await victim.sign_in("lin", PASSWORD)
    stolen = victim.client.cookies["yimen-pending"]
    await attacker.get("/sign-in")
    attacker.client.cookies.set("yimen-pending", stolen, domain="localhost.local", path="/")
    assert urlsplit((await attacker.get("/sign-in/otp")).headers["location"]).path == "/sign-in"


async def test_who_signs_in_as_somebody_else_is_not_the_first_person_any_more(
    house: House, agent: Agent, lin: str
) -> None:
    """CVE-2025-12390: two people at one device."""
    await add_person(house, "wang", "王小玫")
    await agent.sign_in("lin", PASSWORD)
    page = await agent.get("/sign-in", params={"interaction": "none"})
    await agent.submit(page, "login-submit", username="wang", password=PASSWORD)
    async with house.database.read() as connection:
        assert await house.sessions.list(connection, lin) == []
    assert (await agent.get("/api/v1/me")).json()["username"] == "wang"


@pytest.mark.parametrize(
    "next_address", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example"]
)
async def test_signing_in_never_ends_on_somebody_elses_site(agent: Agent, lin: str, next_address: str) -> None:
    page = await agent.get("/sign-in", params={"next": next_address})
    answer = await agent.submit(page, "login-submit", username="lin", password=PASSWORD, next=next_address)
    assert answer.headers["location"] == "/"
