"""TLS of our own: what is offered, and a certificate that follows its files.

Offered are TLS 1.2 and 1.3 with authenticated encryption and ephemeral keys alone (RFC 9325 §4.2). Certificates are
renewed while the server runs: new connections use the files as they are now. Files that cannot be used, half-written
ones too, change nothing: the certificate that was read last stays.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from core.logs import logger
from core.settings import Settings

# TLS 1.3 has no others.
_SUITES_OF_TLS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"

_log = logger("tls")


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate chain and its key, both PEM. Tells when they were changed, also where a link was changed to point
    to others, as Kubernetes does."""

    certificate: Path
    key: Path

    def stamp(self) -> tuple[tuple[int, int, int], ...] | None:
        """Another one whenever the files have changed; None where one is missing."""
        try:
            found = [path.stat() for path in (self.certificate, self.key)]
        except OSError:
            return None
        return tuple((file.st_ino, file.st_size, file.st_mtime_ns) for file in found)

    def context(self) -> ssl.SSLContext:
        """Raises ERR-SETTINGS where the files cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_SUITES_OF_TLS_1_2)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a password it would ask the terminal for one.
            context.load_cert_chain(self.certificate, self.key, "")
        except (OSError, ValueError) as error:
            files = f"{self.certificate}, {self.key}"
            raise ConfigurationError("ERR-SETTINGS", f"the certificate cannot be used: {error} ({files})") from None
        return context


def certificate_of(settings: Settings, kind: str) -> CertificateFiles | None:
    """What a process of that kind answers with; None where a proxy in front of it speaks TLS."""
    certificate, key = settings.tls_cert, settings.tls_key
    if kind == "gateway" and settings.gateway_tls_cert is not None:
        certificate, key = settings.gateway_tls_cert, settings.gateway_tls_key
    return None if certificate is None or key is None else CertificateFiles(certificate, key)


def certificates_of(settings: Settings) -> list[CertificateFiles]:
    """What the processes of the role answer with, each once."""
    kinds = ("identity", "gateway") if settings.role == "all" else (settings.role,)
    found = (certificate_of(settings, kind) for kind in kinds)
    return list(dict.fromkeys(files for files in found if files is not None))


class FollowedCertificate:
    """The context of new connections: that of the files as they were last usable."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._stamp = files.stamp()
        self.context = files.context()

    def follow(self) -> None:
        """Reads the files again where they have changed. What could not be read is tried again at the next change."""
        stamp = self._files.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.context = self._files.context()
        except ConfigurationError as error:
            _log.warning("the certificate stays as it was", detail=error.detail)
        else:
            _log.info("the certificate was read again", file=str(self._files.certificate))
