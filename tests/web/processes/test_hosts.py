"""RFC 9112 §3.2 and RFC 9110 §15.5.20 over real sockets: one host a request, and only those that are served."""

from tests.web.processes.conftest import Served


def request(*fields: str, line: str = "GET /a%2Fb?c=d HTTP/1.1") -> bytes:
    return "\r\n".join([line, *fields, "Connection: close", "", ""]).encode()


async def test_each_port_serves_its_own_hosts_and_says_so_of_others(served: Served) -> None:
    issuer, gateway = f"localhost:{served.port}", f"oa.localhost:{served.gateway_port}"
    for port, host, status in (
        (served.port, issuer, 404),
        (served.port, issuer.upper(), 404),
        (served.gateway_port, gateway, 404),
        (served.port, gateway, 421),
        (served.gateway_port, issuer, 421),
        (served.port, "evil.example", 421),
        (served.port, f"127.0.0.1:{served.port}", 421),
        (served.gateway_port, f"a.b.localhost:{served.gateway_port}", 421),
        (served.gateway_port, "evil.example", 421),
    ):
        answer = await served.say(request(f"Host: {host}"), at=port)
        assert answer.status == status, (port, host, answer)


async def test_an_old_link_to_a_gateway_host_leads_to_its_port(served: Served) -> None:
    old = f"Host: oa.localhost:{served.port}"
    answer = await served.say(request(old))
    assert answer.status == 307
    location = f"location: http://oa.localhost:{served.gateway_port}/a%2Fb?c=d"
    assert location in answer.head.decode().split("\r\n")
    assert (await served.say(request(old, line="HEAD / HTTP/1.1"))).status == 307
    posted = request(old, "Content-Length: 0", line="POST / HTTP/1.1")
    assert (await served.say(posted)).status == 421, "a form is never sent on to another address"


_NOT_ONE_HOST = (
    (),
    ("Host:",),
    ("Host: localhost:{port}", "Host: localhost:{port}"),
    ("Host: localhost:{port}", "Host: evil.example"),
    ("Host: evil.example", "hOST: localhost:{port}"),
    ("Host: localhost:{port}@evil.example",),
    ("Host: local host",),
    ("Host: http://localhost:{port}",),
    ("Host: localhost:{port}x",),
    ("Host: localhost:{port}, evil.example",),
    ("Host: [::1",),
    ("Host: localhost:{port}/",),
)


async def test_a_request_that_does_not_name_one_host_is_refused(served: Served) -> None:
    for port in (served.port, served.gateway_port):
        for fields in _NOT_ONE_HOST:
            told = [field.format(port=port) for field in fields]
            for path in ("/", "/healthz"):
                answer = await served.say(request(*told, line=f"GET {path} HTTP/1.1"), at=port)
                assert answer.status == 400, (port, told, path)


async def test_the_host_of_an_absolute_target_must_be_the_same(served: Served) -> None:
    """RFC 9112 §3.2.2: the target's host counts. uvicorn forgets it and believes the Host field."""
    issuer = f"localhost:{served.port}"
    for target, host, status in (
        (f"http://{issuer}/nowhere", issuer, 404),
        (f"http://{issuer.upper()}/nowhere", issuer, 404),
        ("http://evil.example/nowhere", issuer, 400),
        (f"http://{issuer}/nowhere", "evil.example", 400),
        (f"http://evil.example@{issuer}/nowhere", issuer, 404),
    ):
        answer = await served.say(request(f"Host: {host}", line=f"GET {target} HTTP/1.1"))
        assert answer.status == status, (target, host, answer)


async def test_health_answers_whatever_the_host_and_an_old_monitor_that_names_none(served: Served) -> None:
    for port in (served.port, served.gateway_port):
        for host in ("10.0.0.7", f"10.0.0.7:{port}", "[::1]:80", "yimen_app:8000", "evil.example"):
            for path in ("/healthz", "/readyz", "/metrics"):
                answer = await served.say(request(f"Host: {host}", line=f"GET {path} HTTP/1.1"), at=port)
                assert answer.status == 200, (port, host, path)
        assert (await served.say(b"GET /healthz HTTP/1.0\r\n\r\n", at=port)).status == 200
        assert (await served.say(b"GET / HTTP/1.0\r\n\r\n", at=port)).status == 400


async def test_a_legacy_systems_own_health_page_is_not_hidden(served: Served) -> None:
    host = f"oa.localhost:{served.gateway_port}"
    answer = await served.say(request(f"Host: {host}", line="GET /healthz HTTP/1.1"), at=served.gateway_port)
    assert answer.status == 404, "there is no system oa here, and that is what is told"


async def test_odd_targets_never_break_a_process(served: Served) -> None:
    host = f"Host: localhost:{served.port}"
    for line in ("OPTIONS * HTTP/1.1", "CONNECT evil:443 HTTP/1.1", "GET evil HTTP/1.1", "GET http: HTTP/1.1"):
        answer = await served.say(request(host, line=line))
        assert 400 <= answer.status < 500, (line, answer)
    trailer = b"POST /sign-in HTTP/1.1\r\n" + host.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailer += b"0\r\nHost: evil.example\r\n\r\n"
    assert (await served.say(trailer + request(host))).status != 400, "a trailer is no header"
