from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import load_settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("YIMEN_") and not name.startswith("YIMEN_TEST_"):
            monkeypatch.delenv(name)


def test_the_defaults_start_on_loopback_with_sqlite() -> None:
    settings = load_settings()
    assert settings.issuer == "http://localhost:8000"
    assert settings.effective_database_url.startswith("sqlite:///")
    assert not settings.secure


@pytest.mark.parametrize("issuer", ["http://sso.example.gov.cn", "http://10.0.0.8:8000", "http://localhost.example.cn"])
def test_plain_http_off_loopback_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigurationError, match=r"YIMEN_ISSUER.*https"):
        load_settings(issuer=issuer, gateway_domain="gw.example.cn")


@pytest.mark.parametrize(
    "issuer",
    [
        "ftp://x",
        "https://",
        "https://u@sso.cn",
        "https://@sso.cn",
        "https://sso.cn/path",
        "https://sso.cn?x=1",
        "https://sso.cn?",
        "https://sso.cn#f",
        "https://sso.cn#",
        "https://sso.cn:99999",
        "https://sso.cn:0",
        "https://sso.cn:",
        "https://sso.cn:port",
        "https://ss o.cn",
        "https://sso\n.cn",
        "https://sso.cn\\@evil.cn",
        "https://登录.cn",
        "https://sso..cn",
        "https://sso.cn.",
        "https://[::1",
        "https://1.2.3",
    ],
)
def test_an_issuer_that_is_no_plain_origin_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigurationError, match="YIMEN_ISSUER"):
        load_settings(issuer=issuer, gateway_domain="gw.example.cn")


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(retention_days=30, workers="many", suite="rot13")
    for name in ("YIMEN_RETENTION_DAYS", "YIMEN_WORKERS", "YIMEN_SUITE"):
        assert name in caught.value.detail


def test_days_are_those_of_the_county_s_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().time_zone.key == "Asia/Shanghai"
    monkeypatch.setenv("YIMEN_TIME_ZONE", "Asia/Urumqi")
    assert load_settings().local_time.zone.key == "Asia/Urumqi"


@pytest.mark.parametrize("zone", ["", "Beijing", "UTC+8", "+08:00", "../UTC", "Asia"])
def test_a_time_zone_that_is_none_is_refused(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMEN_TIME_ZONE", zone)
    with pytest.raises(ConfigurationError, match=r"YIMEN_TIME_ZONE: .*no time zone; write it as Asia/Shanghai"):
        load_settings()


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMEN_ISUER", "https://sso.example.cn")
    with pytest.raises(ConfigurationError, match="YIMEN_ISUER"):
        load_settings()


def test_production_needs_a_gateway_domain_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="YIMEN_GATEWAY_DOMAIN must be set"):
        load_settings(issuer="https://sso.example.cn")
    with pytest.raises(ConfigurationError, match="site of their own"):
        load_settings(issuer="https://sso.example.cn", gateway_domain="sso.example.cn")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HTTPS://SSO.Example.CN", "https://sso.example.cn"),
        (" https://sso.example.cn/\n", "https://sso.example.cn"),
        ("https://sso.example.cn:443", "https://sso.example.cn"),
        ("https://sso.example.cn:8443", "https://sso.example.cn:8443"),
        ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
    ],
)
def test_an_issuer_has_one_form_whatever_way_it_is_written(written: str, meant: str) -> None:
    settings = load_settings(issuer=written, gateway_domain="GW.example.cn ")
    assert (settings.issuer, settings.secure) == (meant, True)
    assert settings.gateway_domain == "gw.example.cn"
    with pytest.raises(ConfigurationError, match="YIMEN_GATEWAY_DOMAIN must be set"):
        load_settings(issuer=written)


@pytest.mark.parametrize(
    "domain",
    [
        "http://gw/x",
        "gw:0",
        "gw:",
        "gw:port",
        "gw:65536",
        "gw:1:2",
        "gw.example.cn/",
        "*.gw.cn",
        ".gw.cn",
        "10.0.0.1",
        "",
        "网关.cn",
    ],
)
def test_a_gateway_domain_that_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ConfigurationError, match="YIMEN_GATEWAY_DOMAIN"):
        load_settings(issuer="https://sso.example.cn", gateway_domain=domain)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"gateway_domain": "https://gw.example.cn"}, "YIMEN_GATEWAY_DOMAIN: must be a domain name without scheme"),
        ({"gateway_domian": "gw.example.cn"}, "YIMEN_GATEWAY_DOMIAN: there is no such setting"),
    ],
)
def test_a_complaint_says_what_is_wrong_with_which_setting(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_settings(issuer="https://sso.example.cn", **given)


@pytest.mark.parametrize("domain", ["SSO.example.cn", "example.cn", "EXAMPLE.cn", "cn"])
def test_the_portal_is_never_a_host_of_the_gateway(domain: str) -> None:
    with pytest.raises(ConfigurationError, match="YIMEN_GATEWAY_DOMAIN must"):
        load_settings(issuer="https://sso.example.cn", gateway_domain=domain)
    with pytest.raises(ConfigurationError, match="YIMEN_GATEWAY_DOMAIN must"):
        load_settings(issuer="http://sso.localhost:8000", gateway_domain="localhost")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"trusted_proxies": "10.0.0.1/8"}, "YIMEN_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ({"outbound_allow": ["10.0.0.0/8", "nonsense"]}, "YIMEN_OUTBOUND_ALLOW: 'nonsense'"),
        ({"tls_cert": "/x.pem"}, "YIMEN_TLS_CERT and YIMEN_TLS_KEY belong together"),
        ({"gateway_tls_key": "/x.pem"}, "YIMEN_GATEWAY_TLS_CERT and YIMEN_GATEWAY_TLS_KEY belong together"),
        ({"gateway_tls_cert": "/x", "gateway_tls_key": "/y"}, "YIMEN_GATEWAY_TLS_CERT needs YIMEN_TLS_CERT"),
        ({"tls_cert": "/x", "tls_key": "/y"}, "YIMEN_TLS_CERT needs an https YIMEN_ISSUER"),
        ({"proxy_protocol": True}, "YIMEN_PROXY_PROTOCOL needs YIMEN_TRUSTED_PROXIES"),
    ],
)
def test_a_complaint_names_the_setting_that_a_person_can_change(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**wrong)
    assert caught.value.detail.startswith(told)
    assert caught.value.detail.count("YIMEN_") == told.count("YIMEN_"), "each problem once"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yimen.toml").write_text('port = 9000\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("YIMEN_CONFIG", str(tmp_path / "yimen.toml"))
    monkeypatch.setenv("YIMEN_PORT", "9001")
    settings = load_settings()
    assert (settings.port, settings.host) == (9001, "127.0.0.2")


def test_a_file_that_does_not_parse_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yimen.toml").write_text("port = = 1")
    monkeypatch.setenv("YIMEN_CONFIG", str(tmp_path / "yimen.toml"))
    with pytest.raises(ConfigurationError, match=r"yimen\.toml"):
        load_settings()


def test_the_gateway_is_next_to_an_issuer_that_is_reached_without_a_proxy() -> None:
    settings = load_settings()
    assert (settings.port, settings.effective_gateway_port) == (8000, 8001)
    assert settings.gateway_origin("zhihui") == "http://zhihui.localhost:8001"
    assert settings.gateway_slug("ZhiHui.localhost:8001") == "zhihui"
    foreign = ("localhost:8001", "a.b.localhost:8001", "zhihui.localhost:8000", "zhihui.localhost.evil:8001", "", "-x")
    for other in foreign:
        assert settings.gateway_slug(other) is None
    assert settings.gateway_slug_at_any_port("zhihui.localhost:8000") == "zhihui"
    assert settings.gateway_slug_at_any_port("localhost:8001") is None


@pytest.mark.parametrize(
    ("issuer", "domain", "origin"),
    [
        ("https://sso.example.cn", "gw.example.cn", "https://oa.gw.example.cn"),  # a proxy routes by host
        ("https://sso.example.cn:8443", "gw.example.cn", "https://oa.gw.example.cn:8444"),
        ("https://sso.example.cn:8443", "gw.example.cn:8443", "https://oa.gw.example.cn:8443"),
        ("https://sso.example.cn", "gw.example.cn:9443", "https://oa.gw.example.cn:9443"),
        ("https://sso.example.cn:8443", "gw.example.cn:443", "https://oa.gw.example.cn"),
        ("https://sso.example.cn:442", "gw.example.cn", "https://oa.gw.example.cn"),
        ("http://localhost", "localhost", "http://oa.localhost"),
    ],
)
def test_the_gateways_public_port_follows_the_issuers_or_is_named(issuer: str, domain: str, origin: str) -> None:
    settings = load_settings(issuer=issuer, gateway_domain=domain)
    assert settings.gateway_origin("oa") == origin
    assert settings.gateway_slug(origin.partition("://")[2]) == "oa"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"port": 8000, "gateway_port": 8000}, "YIMEN_GATEWAY_PORT must differ"),
        ({"port": 65535}, "YIMEN_GATEWAY_PORT must be set"),
        ({"issuer": "http://localhost:65535"}, "YIMEN_GATEWAY_DOMAIN must name"),
    ],
)
def test_two_surfaces_never_share_a_port(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_settings(**wrong)


def test_a_database_password_is_not_in_the_repr() -> None:
    settings = load_settings(database_url="postgresql://yimen:s3cret-word@127.0.0.1/yimen")  # pragma: allowlist secret
    assert "s3cret-word" not in repr(settings)
