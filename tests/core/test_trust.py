"""Certificates that are named for one server: what they open, and what they do not (DESIGN §4.16)."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.trust import MAX_PEM_BYTES, trust_of
from tests.core.certificates import NOW, Issued

ROOT = Issued("county", authority=True)
OTHER_ROOT = Issued("county", authority=True)
MIDDLE = Issued("office", ROOT, authority=True)
LEAF = Issued("oa", ROOT, address="127.0.0.1")


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        ("", "no certificate"),
        ("hello", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        (
            LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() + LEAF.pem,
            "private key",
        ),
        ("x" * (MAX_PEM_BYTES + 1), "larger"),
    ],
)
def test_what_is_no_certificate_is_refused_in_words(pem: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        trust_of(pem)


def test_the_first_certificate_to_end_is_known() -> None:
    assert trust_of(ROOT.pem + Issued("old", days=-1).pem).not_after < NOW  # type: ignore[operator]


def test_what_is_named_for_one_server_is_no_other_trust() -> None:
    assert trust_of(ROOT.pem) == trust_of(ROOT.pem)
    assert trust_of(ROOT.pem) != trust_of(OTHER_ROOT.pem)


async def _is_believed(pem: str, server: Issued, folder: Path) -> bool:
    """As the gateway does it: the checks in order, and the certificate compared before anything is sent."""

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=server.serves(folder))
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        for check in trust_of(pem).checks:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=check.context)
            except ssl.SSLCertVerificationError:
                continue
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            if check.accepts(shown):
                return True
    return False


@pytest.mark.parametrize(
    ("named", "server", "believed"),
    [
        (ROOT.pem, LEAF, True),
        (MIDDLE.pem, Issued("oa", MIDDLE, address="127.0.0.1"), True),
        (OTHER_ROOT.pem + ROOT.pem, LEAF, True),
        (OTHER_ROOT.pem, LEAF, False),
        (ROOT.pem, Issued("oa", ROOT, address="127.0.0.2"), False),
        (ROOT.pem, Issued("127.0.0.1", ROOT), False),
        (ROOT.pem, Issued("oa", ROOT, address="127.0.0.1", days=-1), False),
        (ROOT.pem, Issued("oa", OTHER_ROOT, address="127.0.0.1"), False),
        # A server's own certificate, whatever name it has.
        (LEAF.pem, LEAF, True),
        (LEAF.pem, Issued("oa", ROOT, address="127.0.0.1"), False),
        ((APPLIANCE := Issued("localhost", authority=True)).pem, APPLIANCE, True),
        (APPLIANCE.pem, Issued("forged", APPLIANCE), False),
        ((OLD := Issued("oa", days=-1)).pem, OLD, False),
    ],
)
async def test_a_server_is_believed_by_an_authority_and_its_name_or_by_its_own_certificate(
    tmp_path: Path, named: str, server: Issued, believed: bool
) -> None:
    assert await _is_believed(named, server, tmp_path) is believed
