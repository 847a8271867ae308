"""`yimen serve` as an operator starts it: roles, TLS, taken ports, and an address that changes."""

import asyncio
import datetime
import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.stories.conftest import free_port
from tests.web.processes.conftest import COMMAND, Served, environment, open_served

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n"
_SYSTEM = {
    "version": 1,
    "users": [{"username": "security", "name": "security", "roles": ["security_admin"]}],
    "systems": [
        {
            "slug": "oa",
            "name": {"zh": "办公"},
            "way_in": [{"kind": "gateway"}],
            "upstream": "http://127.0.0.1:9",
            "http_approved_by": "security",
        }
    ],
}


async def run(
    folder: Path, port: int, settings: dict[str, str], *arguments: str, given: bytes = b""
) -> tuple[int | None, str]:
    """Exit status and what is said on standard error."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env=environment(folder, port, settings), stdin=pipe, stdout=pipe, stderr=pipe
    )
    _, said = await process.communicate(given)
    return process.returncode, said.decode()


@pytest.mark.parametrize("taken", ["portal", "gateway"])
async def test_a_port_that_is_taken_is_said_before_anything_is_changed(tmp_path: Path, taken: str) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port if taken == "portal" else port + 1)) as other:
        status, said = await run(tmp_path / "data", port, {}, "serve")
        assert status == 1
        assert f"ERR-LISTEN: cannot listen on 127.0.0.1:{other.getsockname()[1]}" in said
    assert not (tmp_path / "data").exists()


async def test_both_ports_speak_tls(tmp_path: Path, database_url: str) -> None:
    certificate, key = own_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False
    port = free_port()
    settings = {
        "issuer": f"https://localhost:{port}",
        "tls_cert": str(certificate),
        "tls_key": str(key),
        "database_url": database_url,
    }
    async with open_served(tmp_path / "data", port, settings, tls=trusting) as served:
        host = f"oa.localhost:{served.gateway_port}".encode()
        for at in (served.port, served.gateway_port):
            assert (await served.say(HEALTH, at=at)).status == 200
            # Many that never begin their handshake, and one that speaks another language.
            waiting = [await asyncio.open_connection("127.0.0.1", at) for _ in range(300)]
            plain = Served(served.port, served.process)
            assert (await plain.say(HEALTH, at=at)).status == 0
            assert (await served.say(HEALTH, at=at)).status == 200
            for _, writer in waiting:
                writer.transport.abort()
        answer = await served.say(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n", at=served.port)
        assert answer.status == 421, "it is where the gateway is, so it is not led there again"


@pytest.mark.parametrize("role", ["identity", "gateway", "worker"])
async def test_a_role_by_itself_serves_its_own(tmp_path: Path, database_url: str, role: str) -> None:
    port = free_port()
    own, other = (port + 1, port) if role == "gateway" else (port, port + 1)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--role", role, env=environment(tmp_path, port, {"database_url": database_url})
    )
    served = Served(port, process)
    async with asyncio.timeout(60):
        while True:
            try:
                if (await served.say(HEALTH, at=own)).status == 200:
                    break
            except OSError:
                await asyncio.sleep(0.1)
    with pytest.raises(OSError, match="Connect call failed"):
        await served.say(HEALTH, at=other)
    page = f"GET /sign-in HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode()
    assert (await served.say(page, at=own)).status == (200 if role == "identity" else 421)
    process.terminate()
    assert await process.wait() == 0


async def test_the_gateways_sign_in_is_where_the_settings_of_the_server_say(tmp_path: Path, database_url: str) -> None:
    port, own = free_port(), {"database_url": database_url}
    moved = own | {"gateway_domain": "gw.localhost"}
    async with open_served(tmp_path / "data", port, moved) as served:
        given = json.dumps(_SYSTEM).encode()
        assert (await run(tmp_path / "data", port, own, "apply", "-", given=given))[0] == 0
        for domain, taken in (("gw.localhost", 303), ("localhost", 400)):
            asked = {
                "client_id": "gateway.oa",
                "redirect_uri": f"http://oa.{domain}:{port + 1}/.yimen/callback",
                "response_type": "code",
                "scope": "openid",
                "state": "s",
                "code_challenge": "x" * 43,
                "code_challenge_method": "S256",
            }
            target = f"/authorize?{urlencode(asked)}"
            request = f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
            assert (await served.say(request.encode())).status == taken


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """For localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "tls.pem", folder / "tls.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return files
