"""TLS of our own, as clients of every age meet it, and certificates that are renewed while it serves (RFC 9325)."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from tests.stories.conftest import free_port
from tests.web.processes.conftest import Served, open_served
from tests.web.processes.test_serving import own_certificate
from web.processes.tls import CertificateFiles, FollowedCertificate

# That they are deprecated is why they are tried.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")

AEAD = ("GCM", "CHACHA20", "CCM")


def issue(folder: Path) -> CertificateFiles:
    folder.mkdir(exist_ok=True)
    return CertificateFiles(*own_certificate(folder))


def replace(files: CertificateFiles, by: CertificateFiles) -> None:
    """As a program that renews certificates does: each file at once."""
    for old, new in ((files.certificate, by.certificate), (files.key, by.key)):
        os.replace(shutil.copy(new, f"{new}.copy"), old)


def anything() -> ssl.SSLContext:
    """A client that takes whatever is offered, the oldest and weakest too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def shown(port: int, context: ssl.SSLContext | None = None) -> tuple[str | None, str, bytes]:
    """The protocol, the suite and the certificate of a handshake."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context or anything())
    try:
        spoken = writer.get_extra_info("ssl_object")
        return spoken.version(), spoken.cipher()[0], spoken.getpeercert(binary_form=True)
    finally:
        writer.transport.abort()


def der(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


async def until_shown(port: int, certificate: bytes) -> None:
    async with asyncio.timeout(20):
        while (await shown(port))[2] != certificate:
            await asyncio.sleep(0.1)


async def warnings(served: Served) -> list[str]:
    answer = await served.say(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert answer.status == 200
    return [warning["code"] for warning in json.loads(answer.body)["warnings"]]


async def until_warned(served: Served, code: str, *, is_told: bool) -> None:
    async with asyncio.timeout(30):
        while (code in await warnings(served)) is not is_told:
            await asyncio.sleep(0.2)


async def test_only_authenticated_encryption_of_tls_1_2_and_1_3_is_spoken(tmp_path: Path, database_url: str) -> None:
    own, gateway = issue(tmp_path / "own"), issue(tmp_path / "gateway")
    port = free_port()
    settings = {
        "issuer": f"https://localhost:{port}",
        "tls_cert": str(own.certificate),
        "tls_key": str(own.key),
        "gateway_tls_cert": str(gateway.certificate),
        "gateway_tls_key": str(gateway.key),
        "database_url": database_url,
    }
    async with open_served(tmp_path / "data", port, settings, tls=anything()) as served:
        for at, files in ((served.port, own), (served.gateway_port, gateway)):
            assert (await shown(at))[2] == der(files.certificate)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = anything()
                context.minimum_version = context.maximum_version = version
                protocol, suite, _ = await shown(at, context)
                assert protocol == version.name.replace("_", ".")
                assert any(mode in suite for mode in AEAD)
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                assert await _is_refused(at, version, "ALL:@SECLEVEL=0")
            for suites in ("ECDHE+AES+SHA256:ECDHE+AES+SHA", "AES128-GCM-SHA256", "ALL:!AESGCM:!CHACHA20:@SECLEVEL=0"):
                assert await _is_refused(at, ssl.TLSVersion.TLSv1_2, suites)
            host = f"localhost:{port}" if at == port else f"oa.localhost:{at}"
            for name in (host, "elsewhere"):
                request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()
                head = (await served.say(request, at=at)).head.lower()
                assert head.count(b"strict-transport-security: max-age=") == 1
        if openssl := shutil.which("openssl"):
            for flag in ("-tls1_1", "-tls1_2", "-tls1_3"):
                told = await asyncio.to_thread(_openssl, openssl, port, flag)
                assert ("Cipher is (NONE)" in told) is (flag == "-tls1_1"), told


async def _is_refused(port: int, version: ssl.TLSVersion, suites: str) -> bool:
    context = anything()
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(suites)
    try:
        await shown(port, context)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


def _openssl(program: str, port: int, flag: str) -> str:
    arguments = [program, "s_client", "-connect", f"127.0.0.1:{port}", flag, "-cipher", "ALL:@SECLEVEL=0"]
    if flag == "-tls1_3":
        arguments = arguments[:-2]
    return subprocess.run(arguments, check=False, input="", capture_output=True, text=True, timeout=60).stdout


async def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path, database_url: str) -> None:
    files, renewed, again = (issue(tmp_path / name) for name in ("used", "renewed", "again"))
    first = der(files.certificate)
    port = free_port()
    settings = {
        "issuer": f"https://localhost:{port}",
        "tls_cert": str(files.certificate),
        "tls_key": str(files.key),
        "database_url": database_url,
    }
    async with open_served(tmp_path / "data", port, settings, tls=anything()) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anything())
        replace(files, renewed)
        for at in (served.port, served.gateway_port):
            await until_shown(at, der(renewed.certificate))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        files.certificate.write_text("-----BEGIN CERTIFICATE-----\nhalf of it")
        await until_warned(served, "ERR-TLS_FILES", is_told=True)
        assert (await shown(port))[2] == der(renewed.certificate) != first
        replace(files, again)
        await until_shown(port, der(again.certificate))
        await until_warned(served, "ERR-TLS_FILES", is_told=False)


def test_files_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    files, other = issue(tmp_path / "used"), issue(tmp_path / "other")
    followed = FollowedCertificate(files)
    first = followed.context
    followed.follow()
    assert followed.context is first
    shutil.copy(other.key, files.key)  # the other half is still to come
    followed.follow()
    assert followed.context is first
    shutil.copy(other.certificate, files.certificate)
    followed.follow()
    assert followed.context is not first
    second = followed.context
    files.key.unlink()
    followed.follow()
    assert followed.context is second


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_a_first_start_with_files_that_cannot_be_used_is_refused(tmp_path: Path, broken: str) -> None:
    files = issue(tmp_path / "used")
    getattr(files, broken).write_text("nothing")
    with pytest.raises(ConfigurationError, match="the certificate cannot be used"):
        FollowedCertificate(files)
