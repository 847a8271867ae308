"""A system behind a certificate of the county's own authority, seen by a browser (DESIGN §4.16)."""

import asyncio
from pathlib import Path

import pytest

from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import AddSystem, Open
from tests.connectors.gateway.raw import answering, serving
from tests.core.certificates import Issued

ROOT = Issued("county", authority=True)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    ("named", "error"),
    [(None, "ERR-UPSTREAM_TLS"), (ROOT, None), (Issued("other", authority=True), "ERR-UPSTREAM_TLS")],
)
async def test_a_system_opens_by_the_authority_that_was_signed_for(
    add_system: AddSystem, open_browser: Open, tmp_path: Path, named: Issued | None, error: str | None
) -> None:
    signed = {"upstream_ca": named.pem, "upstream_ca_approved_by": "aq"} if named is not None else {}
    leaf = Issued("oa", ROOT, address="127.0.0.1")
    async with serving(answering(ANSWER), leaf.serves(tmp_path)) as origin:
        await add_system(upstream=origin, **signed)
        browser = await open_browser()
        await browser.sign_in()
        answer = await browser.get("/page")
    assert answer.error == error
    assert (answer.text == "hello") is (error is None)


async def test_an_authority_of_one_system_opens_no_other(
    add_system: AddSystem, browser: Browser, tmp_path: Path
) -> None:
    leaf = Issued("oa", ROOT, address="127.0.0.1")
    async with serving(answering(ANSWER), leaf.serves(tmp_path)) as origin:
        await add_system(upstream=origin, upstream_ca=ROOT.pem, upstream_ca_approved_by="aq")
        await add_system("pay", upstream=origin)
        await browser.sign_in()
        await browser.sign_in(slug="pay")
        assert (await browser.get("/page")).text == "hello"
        assert (await browser.get("/page", slug="pay")).error == "ERR-UPSTREAM_TLS"


async def test_a_socket_is_opened_only_to_a_server_that_is_believed(
    add_system: AddSystem, browser: Browser, tmp_path: Path
) -> None:
    asked: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)

    async with serving(script, Issued("oa", ROOT, address="127.0.0.2").serves(tmp_path)) as origin:
        await add_system(upstream=origin, upstream_ca=ROOT.pem, upstream_ca_approved_by="aq")
        await browser.sign_in()
        with pytest.raises(Exception, match=r"(?i)handshake|status"):
            async with browser.connect("/ws"):
                pass
    assert asked == []
