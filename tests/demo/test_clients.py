"""The county's OpenID Connect clients while the provider is away, and when somebody else plays it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from demo.clients.open_affairs import OpenAffairs
from demo.clients.patrol import BUILT, Patrol

ISSUER = "http://127.0.0.1:1"  # nobody answers there
HOME = "http://cunwu.example"


@pytest.fixture
async def affairs() -> AsyncIterator[httpx.AsyncClient]:
    app = OpenAffairs(HOME, ISSUER, "cunwu", "a-secret-of-this-test").app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOME) as client:
        yield client


@pytest.fixture
async def patrol() -> AsyncIterator[httpx.AsyncClient]:
    app = Patrol("http://xuncha.example", ISSUER, "xuncha").app
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://xuncha.example") as client:
        yield client


async def test_village_affairs_are_listed_for_everybody_beside_the_way_to_sign_in(affairs: httpx.AsyncClient) -> None:
    page = await affairs.get("/")
    assert page.status_code == 200
    assert "低保复核名单" in page.text
    assert 'id="login" href="/login"' in page.text


@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_a_provider_that_does_not_answer_is_said_on_a_page(affairs: httpx.AsyncClient, path: str) -> None:
    page = await affairs.get(path)
    assert page.status_code == 502
    assert "统一登录没有应答" in page.text


async def test_a_sign_in_started_by_another_issuer_goes_nowhere(affairs: httpx.AsyncClient) -> None:
    # OIDC Core §4
    page = await affairs.get("/login", params={"iss": "https://evil.example"})
    assert (page.status_code, "unknown_issuer" in page.text) == (400, True)


@pytest.mark.parametrize("answer", [{}, {"iss": "https://evil.example"}])
async def test_an_answer_that_does_not_name_the_issuer_is_not_read(
    affairs: httpx.AsyncClient, answer: dict[str, str]
) -> None:
    # RFC 9207 §2.4
    page = await affairs.get("/callback", params={"code": "c", "state": "s"} | answer)
    assert (page.status_code, "mismatching_issuer" in page.text) == (400, True)


async def test_an_answer_to_a_question_never_asked_is_refused(affairs: httpx.AsyncClient) -> None:
    page = await affairs.get("/callback", params={"code": "c", "state": "s", "iss": ISSUER})
    assert (page.status_code, "mismatching_state" in page.text) == (400, True)


async def test_the_words_of_a_refusal_are_shown_as_text(affairs: httpx.AsyncClient) -> None:
    answer = {"error": "access_denied", "error_description": "<b>no</b>", "iss": ISSUER}
    page = await affairs.get("/callback", params=answer)
    assert page.status_code == 400
    assert "access_denied" in page.text
    assert "&lt;b&gt;no&lt;/b&gt;" in page.text


async def test_a_state_that_was_not_sent_out_does_not_say_goodbye(affairs: httpx.AsyncClient) -> None:
    assert 'id="left"' not in (await affairs.get("/", params={"state": "made-up"})).text


async def test_the_patrol_is_told_its_provider_and_nothing_secret(patrol: httpx.AsyncClient) -> None:
    answer = await patrol.get("/config.json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "issuer": ISSUER,
        "client_id": "xuncha",
        "redirect_uri": "http://xuncha.example/callback",
        "home": "http://xuncha.example",
    }


@pytest.mark.parametrize("path", ["/", "/login", "/callback"])
async def test_the_patrol_is_one_page_that_loads_only_its_own_files(patrol: httpx.AsyncClient, path: str) -> None:
    assert (BUILT / "index.html").exists(), "run `make build`"
    page = await patrol.get(path)
    assert page.status_code == 200
    assert f"connect-src 'self' {ISSUER};" in page.headers["content-security-policy"]
    assert (await patrol.get("/patrol.js")).status_code == 200
    assert (await patrol.get("/patrol.css")).status_code == 200
