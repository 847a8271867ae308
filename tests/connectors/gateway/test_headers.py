"""Header fields on their way through the gateway (DESIGN §4.17, RFC 9110 §7.6.1)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gateway.wire.headers import Header, Peer, browser_headers, cookies_of, upstream_headers
from connectors.gateway.wire.rewrite import HostHeader, OriginMap
from connectors.origin import ExactOrigin

ORIGINS = OriginMap(ExactOrigin.parse("https://oa.qx.gov.cn:8443"), "https://oa.gw.example")
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)


def to_upstream(*received: Header, peer: Peer | None = None) -> list[Header]:
    return upstream_headers(received, ORIGINS, peer or Peer(), "gzip")


def to_browser(*answered: Header, secure: bool = True) -> list[Header]:
    return browser_headers(answered, ORIGINS, secure=secure)


def values(headers: list[Header], name: str) -> list[str]:
    return [value for known, value in headers if known == name]


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-user", "forwarded", "x-real-ip", "true-client-ip",
        "remote-user", "x-remote-user", "x-webauth-user", "x-auth-request-email", "x-auth-user", "x-yimen-user",
        "x-user", "x-user-id", "x-original-url", "x-rewrite-url", "x-ssl-client-dn", "ssl-client-cert",
        "x-client-cert-dn", "proxy", "proxy-authorization", "x-authenticated-user", "x-http-method-override",
    ],
)  # fmt: skip
def test_what_only_a_proxy_may_say_is_taken_out_in_every_spelling(name: str) -> None:
    """CGI and WSGI read `-` and `_` as the same: `Remote_User` would be believed (CVE-2026-25748 and its kin)."""
    for spelled in (name, name.replace("-", "_"), name.replace("-", "_", 1)):
        assert values(to_upstream((spelled, "admin")), spelled) == []


@pytest.mark.parametrize(
    "name", ["x-auth-token", "x-access-token", "authorization", "x-csrf-token", "x-requested-with"]
)
def test_what_pages_send_by_themselves_passes(name: str) -> None:
    assert values(to_upstream((name, "t")), name) == ["t"]


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.lists(NAMES, max_size=4))
def test_hop_by_hop_fields_and_those_that_connection_names_stay_on_their_hop(
    received: list[Header], named: list[str]
) -> None:
    sent = to_upstream(*received, ("connection", ", ".join(named)))
    names = [name for name, _ in sent]
    assert not {"connection", "transfer-encoding", "upgrade", "te", "trailer", "keep-alive"} & set(names)
    assert names.count("host") == 1
    kept = {"close", "cookie", "host", "content-length", "content-type", "authorization", "accept-encoding"}
    assert not (set(named) - kept - {"origin", "referer"}) & set(names)


@given(VALUES.filter(lambda value: ";" not in value))
def test_no_cookie_of_ours_reaches_a_legacy_host(value: str) -> None:
    ours = ("yimen-gateway", "__Host-yimen-gateway", "yimen-session", "__Host-yimen-session", "YIMEN-browser")
    text = "; ".join([*(f"{name}={value}" for name in ours), "JSESSIONID=1", f'a="x; yimen-gateway={value}'])
    sent = to_upstream(("cookie", text), ("cookie", f"{ours[0]}={value};b=2"))
    assert len(values(sent, "cookie")) <= 1
    assert "yimen-" not in values(sent, "cookie")[0].lower().replace(value.lower(), "")
    assert cookies_of([("cookie", "JSESSIONID=1; yimen-gateway=x")]) == {"JSESSIONID": "1"}


def test_origin_host_and_referer_are_those_of_the_legacy_server() -> None:
    sent = to_upstream(
        ("host", "oa.gw.example"),
        ("origin", "https://oa.gw.example"),
        ("referer", "https://oa.gw.example/a?b=https://oa.gw.example/"),
    )
    assert values(sent, "host") == ["oa.qx.gov.cn:8443"]
    assert values(sent, "origin") == ["https://oa.qx.gov.cn:8443"]
    assert values(sent, "referer") == ["https://oa.qx.gov.cn:8443/a?b=https://oa.gw.example/"]


@pytest.mark.parametrize(
    ("tells", "host", "origin", "forwarded"),
    [
        ("system", "oa.qx.gov.cn:8443", "https://oa.qx.gov.cn:8443", []),
        ("forwarded", "oa.qx.gov.cn:8443", "https://oa.qx.gov.cn:8443", ["oa.gw.example"]),
        ("gateway", "oa.gw.example", "https://oa.gw.example", ["oa.gw.example"]),
    ],
)
def test_a_system_is_told_the_address_that_it_expects(
    tells: HostHeader, host: str, origin: str, forwarded: list[str]
) -> None:
    """What a browser says of a forwarded host is a lie whatever the system expects."""
    received = [("host", "oa.gw.example"), ("origin", "https://oa.gw.example"), ("x-forwarded-host", "evil")]
    sent = upstream_headers(received, replace(ORIGINS, tells=tells), Peer(), "gzip")
    assert values(sent, "host") == [host]
    assert values(sent, "origin") == [origin]
    assert values(sent, "x-forwarded-host") == forwarded
    assert values(sent, "x-forwarded-proto") == (["https"] if forwarded else [])


def test_a_part_of_a_file_is_asked_for_as_it_is() -> None:
    """RFC 9110 §14.2: a part of a coded body could not be read."""
    assert values(to_upstream(("range", "bytes=1-3")), "accept-encoding") == ["identity"]
    assert values(to_upstream(), "accept-encoding") == ["gzip"]


@pytest.mark.parametrize(("method", "passes"), [("MERGE", True), ("TRACE", False), (" connect", False)])
def test_no_field_asks_for_a_method_that_is_refused(method: str, passes: bool) -> None:
    assert values(to_upstream(("x-http-method", method)), "x-http-method") == ([method] if passes else [])


def test_a_foreign_origin_is_not_made_the_systems_own() -> None:
    for foreign in ("https://oa.gw.example.evil", "https://evil.example", "null", "https://oa.gw.example:444"):
        assert values(to_upstream(("origin", foreign)), "origin") == [foreign]


def test_an_address_is_told_only_where_the_system_is_to_know_it() -> None:
    assert values(to_upstream(("x-forwarded-for", "6.6.6.6")), "x-forwarded-for") == []
    told = to_upstream(("x-forwarded-for", "6.6.6.6"), peer=Peer("10.1.2.3"))
    assert values(told, "x-forwarded-for") == ["10.1.2.3"]


def test_the_gateways_own_authorization_replaces_the_browsers() -> None:
    sent = to_upstream(("authorization", "Basic Zm9v"), peer=Peer(authorization="Basic cmVhbA=="))
    assert values(sent, "authorization") == ["Basic cmVhbA=="]


@pytest.mark.parametrize(
    "line",
    [
        "yimen-gateway=evil; Path=/",
        "__Host-yimen-gateway=evil; Path=/; Secure",
        " YIMEN-session=evil",
        "=yimen-gateway=evil",
        "= yimen-gateway=evil",
        "",
    ],
)
def test_a_legacy_server_sets_no_cookie_of_ours(line: str) -> None:
    """A nameless cookie is sent as its value alone, so `=yimen-gateway=x` would become one of ours."""
    assert values(to_browser(("set-cookie", line)), "set-cookie") == []


@pytest.mark.parametrize(
    ("line", "secure", "expected"),
    [
        ("a=1; Domain=qx.gov.cn; Path=/app; HttpOnly", True, "a=1; Path=/app; HttpOnly"),
        ("a=1; secure; SameSite=None", False, "a=1; SameSite=Lax"),
        ("a=1; Secure; SameSite=None", True, "a=1; Secure; SameSite=None"),
        ("a=1; DOMAIN = .gw.example; samesite=strict", True, "a=1; samesite=strict"),
        ("a=x=y; Expires=Wed, 21 Oct 2026 07:28:00 GMT", True, "a=x=y; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_cookies_of_the_system_become_cookies_of_its_gateway_host(line: str, secure: bool, expected: str) -> None:
    assert values(to_browser(("set-cookie", line), secure=secure), "set-cookie") == [expected]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("location", "https://oa.qx.gov.cn:8443/main?x=1", "https://oa.gw.example/main?x=1"),
        ("location", "http://oa.qx.gov.cn:8443/main", "https://oa.gw.example/main"),
        ("location", "//oa.qx.gov.cn:8443/main", "//oa.gw.example/main"),
        ("location", "https://oa.qx.gov.cn:8443.evil/", "https://oa.qx.gov.cn:8443.evil/"),
        ("location", "https://oa.qx.gov.cn:84430/", "https://oa.qx.gov.cn:84430/"),
        ("location", "https://xoa.qx.gov.cn:8443/", "https://xoa.qx.gov.cn:8443/"),
        ("location", "https://other.qx.gov.cn/", "https://other.qx.gov.cn/"),
        ("location", "/relative", "/relative"),
        ("refresh", "0; url=https://oa.qx.gov.cn:8443/x", "0; url=https://oa.gw.example/x"),
        ("content-location", "https://oa.qx.gov.cn:8443/x", "https://oa.gw.example/x"),
        ("content-security-policy", "frame-ancestors https://oa.qx.gov.cn:8443; report-uri /r",
         "frame-ancestors https://oa.gw.example"),
        ("content-security-policy", "script-src 'self' oa.qx.gov.cn:8443; img-src *;;",
         "script-src 'self' oa.gw.example; img-src *"),
        ("x-frame-options", "DENY", "DENY"),
    ],
)  # fmt: skip
def test_addresses_in_answers_stay_at_the_gateway(name: str, value: str, expected: str) -> None:
    assert values(to_browser((name, value)), name) == [expected]


@pytest.mark.parametrize(
    "name",
    ["www-authenticate", "clear-site-data", "service-worker-allowed", "strict-transport-security", "alt-svc",
     "proxy-authenticate", "connection", "transfer-encoding", "nel", "report-to"],
)  # fmt: skip
def test_what_would_change_the_browser_beyond_the_page_is_dropped(name: str) -> None:
    assert values(to_browser((name, "x")), name) == []


def test_a_cookie_that_is_named_after_the_port_has_the_port_that_the_browser_sees() -> None:
    """OctoPrint's script looks for `csrf_token_P` and the port of the address bar."""
    for theirs, ours in (("csrf_token_P8443", "csrf_token_P443"), ("id18443", "id18443"), ("v84431", "v84431")):
        assert values(to_browser(("set-cookie", f"{theirs}=x; Path=/")), "set-cookie") == [f"{ours}=x; Path=/"]
        assert values(to_upstream(("cookie", f"{ours}=x; a=8443")), "cookie") == [f"{theirs}=x; a=8443"]
