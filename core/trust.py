"""Which certificates an https server may show: those of the public authorities, or those that were named for it.

Enters: PEM text that an operator wrote. Leaves: the contexts of a TLS connection, and the comparison after it.
Promised: what is named for one server is believed of no other; chain, dates and host name are checked; a certificate
that is itself named is compared byte for byte, and then its host name does not matter (DESIGN §4.16).
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

MAX_PEM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Check:
    """One way to believe a server. `pinned` is empty where the chain and the host name decide; else the certificate
    that the server shows must be one of these, in DER, before anything is sent."""

    context: ssl.SSLContext = field(repr=False)
    pinned: frozenset[bytes] = field(default=frozenset(), repr=False)

    def accepts(self, shown: bytes | None) -> bool:
        return not self.pinned or shown in self.pinned


@dataclass(frozen=True)
class Trust:
    """`checks` are tried in order: a server must pass one of them. `name` tells one Trust from another."""

    name: str
    checks: tuple[Check, ...] = field(repr=False, compare=False)
    not_after: datetime | None = None


@lru_cache(maxsize=1)
def public_trust() -> Trust:
    """The authorities that this machine trusts."""
    return Trust("public", (Check(ssl.create_default_context()),))


@lru_cache(maxsize=512)
def trust_of(pem: str) -> Trust:
    """Only what `pem` holds: authorities, certificates of servers, or both. Raises ValueError for an operator."""
    certificates = certificates_of(pem)
    authorities = [one for one in certificates if _may_be_authority(one)]
    checks = []
    if authorities:
        checks.append(Check(_context(authorities, check_hostname=True)))
    pinned = frozenset(one.public_bytes(Encoding.DER) for one in certificates)
    # An appliance's own certificate often calls itself an authority, and names no host: it counts as named, too.
    checks.append(Check(_context(certificates, check_hostname=False), pinned))
    return Trust(sha256(pem.encode()).hexdigest(), tuple(checks), min(one.not_valid_after_utc for one in certificates))


def certificates_of(pem: str) -> list[x509.Certificate]:
    """Raises ValueError in words for an operator."""
    if len(pem) > MAX_PEM_BYTES:
        raise ValueError(f"is larger than {MAX_PEM_BYTES} bytes")
    if "PRIVATE KEY" in pem:
        raise ValueError("holds a private key; only certificates belong here")
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise ValueError("is no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from None


def _may_be_authority(certificate: x509.Certificate) -> bool:
    """RFC 5280 §4.2.1.9; certificates from before that extension are authorities when they signed themselves."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.issuer == certificate.subject


def _context(anchors: Sequence[x509.Certificate], *, check_hostname: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_hostname
    # An intermediate authority, or a server's own certificate, may be named without its root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata="".join(one.public_bytes(Encoding.PEM).decode() for one in anchors))
    return context
