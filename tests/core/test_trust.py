"""Certificates that are named for one server: what they open, and what they do not (DESIGN §4.16)."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.trust import MAX_PEM_BYTES, trust_of

NOW = datetime.now(UTC)


class Issued:
    """A certificate and its key; signed by `by`, or by itself."""

    def __init__(
        self, name: str, by: "Issued | None" = None, *, authority: bool = False, address: str = "", days: int = 9
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = by or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=99))
            .not_valid_after(NOW + timedelta(days=days))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        )
        if address:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def serves(self, folder: Path) -> ssl.SSLContext:
        file = folder / "server.pem"
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(self.pem.encode() + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


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
