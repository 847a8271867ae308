from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import client_address

PROXIES = [ip_network("10.0.0.0/24"), ip_network("::1/128")]


def test_the_header_counts_only_from_a_configured_proxy() -> None:
    assert client_address("203.0.113.9", "198.51.100.1", PROXIES) == "203.0.113.9"
    assert client_address("10.0.0.1", "198.51.100.1", PROXIES) == "198.51.100.1"


def test_a_forged_left_part_is_not_believed() -> None:
    assert client_address("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", PROXIES) == "198.51.100.1"


@pytest.mark.parametrize("header", ["a", ",,,", "256.1.1.1", "1.1.1.1:80", "\x00", " "])
def test_a_header_that_does_not_parse_is_ignored(header: str) -> None:
    """CVE-2024-47070: an unparsable X-Forwarded-For must not break a policy."""
    assert client_address("10.0.0.1", header, PROXIES) == "10.0.0.1"


def test_a_mapped_address_is_the_address_it_stands_for() -> None:
    assert client_address("::ffff:10.0.0.1", "::ffff:198.51.100.1", PROXIES) == "198.51.100.1"


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_nothing_a_caller_sends_raises(peer: str | None, header: str | None) -> None:
    client_address(peer, header, PROXIES)
