from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import read_address, unmapped

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
PORTS = st.one_of(st.just(""), st.integers(0, 65535).map(lambda port: f":{port}"), st.just(":_gazonk"))


@given(ADDRESSES, PORTS, st.sampled_from(["", " ", "\t"]))
def test_every_address_is_read_with_and_without_a_port(
    address: IPv4Address | IPv6Address, port: str, space: str
) -> None:
    written = f"[{address}]" if address.version == 6 else str(address)
    assert read_address(f"{space}{written}{port}{space}") == unmapped(address)
    assert read_address(str(address)) == unmapped(address)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "unknown",
            "_gazonk",
            "256.1.1.1",
            "010.1.1.1",
            "10.1.1",
            "10.1.1.1:",
            "10.1.1.1:a",
            "10.1.1.1:999999",
        ),
        *(
            "[2001:db8::7",
            "2001:db8::7]",
            "[2001:db8::7]4433",
            "[2001:db8::7]:",
            "[]",
            "[]:80",
            ":80",
            "10.1.1.1 10.1.1.2",
        ),
        *("１０.1.1.1", "10.1.1.1:８0", "\x00", "1" * 100_000),
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


def test_a_zone_and_a_mapped_address_are_the_address_they_stand_for() -> None:
    assert read_address("fe80::1%eth0") == ip_address("fe80::1")
    assert read_address("[::ffff:10.1.1.1]:80") == ip_address("10.1.1.1")


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_address(text)
