"""Who is calling behind proxies, with the fields as real proxies write them (RFC 7239 §4, §6; case 01)."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.forwarding import UNKNOWN, CallerAddress, Fault, ForwardedField, Proxies
from tests.core.test_addresses import ADDRESSES, PORTS

TRUSTED = [ip_network("10.0.0.0/24"), ip_network("fd00::/64")]
PROXY = "10.0.0.1"
OUTSIDE = ADDRESSES.filter(lambda address: not Proxies(TRUSTED).are_at(address))


def caller(
    *lines: str, name: str = "x-forwarded-for", field: ForwardedField = "either", peer: str | None = PROXY
) -> CallerAddress:
    headers = [(name.encode(), line.encode("utf-8", "surrogatepass")) for line in lines]
    return Proxies(TRUSTED, field).caller(peer, headers)


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded"])
def test_a_field_counts_only_from_a_trusted_proxy(name: str) -> None:
    said = "198.51.100.1" if name == "x-forwarded-for" else "for=198.51.100.1"
    assert caller(said, name=name, peer="203.0.113.9").text == "203.0.113.9"
    assert caller(said, name=name).text == "198.51.100.1"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["10.1.1.1"], "10.1.1.1"),
        (["10.1.1.1:50001"], "10.1.1.1"),
        (["[2001:db8::7]:4433"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["10.1.1.1:50001, 10.0.0.9:60000"], "10.1.1.1"),
        (["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, , 198.51.100.1,"], "198.51.100.1"),
        (["not an address, 198.51.100.1"], "198.51.100.1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(lines: list[str], address: str) -> None:
    """HAProxy adds a line of its own; nginx and IIS add to the line that came."""
    assert caller(*lines) == CallerAddress(address)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="192.0.2.60:80", for=10.0.0.9', "192.0.2.60"),
        ("proto=https; for=192.0.2.60", "192.0.2.60"),
        ("for=2001:db8::7", "2001:db8::7"),
        ('for=192.0.2.60;host="a;for=6.6.6.6"', "192.0.2.60"),
        ('for=192.0.2.60;host="a\\",for=6.6.6.6"', "192.0.2.60"),
        ('for=6.6.6.6;x=", for=192.0.2.60', "192.0.2.60"),
        ('for="6.6.6.6, for=192.0.2.60;proto=https', "192.0.2.60"),
    ],
)
def test_forwarded_is_read_from_the_right(line: str, address: str) -> None:
    """Also where the caller sent an open quotation, which must not swallow what the proxy wrote behind it."""
    assert caller(line, name="forwarded") == CallerAddress(address)


@pytest.mark.parametrize(
    ("name", "line", "unread"),
    [
        ("x-forwarded-for", "unknown", "unknown"),
        ("x-forwarded-for", "198.51.100.1, a", "a"),
        ("x-forwarded-for", "198.51.100.1, 256.1.1.1, 10.0.0.3", "256.1.1.1"),
        ("forwarded", "for=unknown", "unknown"),
        ("forwarded", 'for="_gazonk"', "_gazonk"),
        ("forwarded", "for=192.0.2.1, proto=https", " proto=https"),
        ("forwarded", "for=192.0.2.1;for=192.0.2.2", "for=192.0.2.1;for=192.0.2.2"),
    ],
)
def test_what_is_no_address_is_nobodys_and_never_the_proxys(name: str, line: str, unread: str) -> None:
    assert caller(line, name=name) == CallerAddress(UNKNOWN, "unreadable", unread)


@pytest.mark.parametrize("lines", [[], [""], [" , "]])
def test_a_proxy_that_names_nobody_is_told(lines: list[str]) -> None:
    assert caller(*lines) == CallerAddress(PROXY, "missing")


@pytest.mark.parametrize(
    ("field", "address", "fault"),
    [("either", "198.51.100.1", None), ("x-forwarded-for", "198.51.100.1", None), ("forwarded", "198.51.100.2", None)],
)
def test_the_field_that_the_proxies_do_not_write_is_the_callers(
    field: ForwardedField, address: str, fault: Fault | None
) -> None:
    headers = [(b"forwarded", b"for=198.51.100.2"), (b"x-forwarded-for", b"198.51.100.1")]
    assert Proxies(TRUSTED, field).caller(PROXY, headers) == CallerAddress(address, fault)


def test_a_local_socket_is_nobody() -> None:
    assert caller("198.51.100.1", peer=None) == CallerAddress(UNKNOWN)


@given(st.text(), OUTSIDE, PORTS)
def test_nothing_that_a_caller_puts_in_front_changes_the_address(said: str, address: object, port: str) -> None:
    written = f"[{address}]{port}" if ":" in str(address) else f"{address}{port}"
    expected = caller(written).text
    assert caller(f"{said}, {written}").text == expected
    assert caller(said, written).text == expected
    assert caller(f'{said},for="{written}";proto=https', name="forwarded").text == expected


@given(st.one_of(st.none(), st.text()), st.lists(st.text()), st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_nothing_that_anybody_sends_raises(peer: str | None, lines: list[str], name: str) -> None:
    caller(*lines, name=name, peer=peer)
