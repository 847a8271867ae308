"""Web origins and host names in the one form in which they are compared (RFC 6454 §4, RFC 1123 §2.1)."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LABEL_LENGTH = 63
_DNS_NAME_LENGTH = 253
DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_origin(text: str) -> str:
    """`scheme://host[:port]` in lower case, without the scheme's own port. Raises ValueError in words for an operator.

    https is demanded off loopback.
    """
    address = text.strip()
    # urlsplit drops line breaks and tabs in silence; what it would drop is refused.
    if not address.isascii() or any(char <= " " or char in "\\\x7f" for char in address):
        raise ValueError("must be plain ASCII without spaces; write a Chinese domain name in its xn-- form")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from None
    if parts.scheme not in DEFAULT_PORTS or not host or "?" in address or "#" in address:
        raise ValueError("must be an http(s) address without query or fragment, e.g. https://sso.example.gov.cn")
    if parts.path not in ("", "/") or "@" in parts.netloc:
        raise ValueError("must have neither a path nor a user part")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has a port that is none: 1 to 65535")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http is only for loopback addresses; use https (TLS is what keeps secrets on the way)")
    suffix = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{_canonical_host(host)}{suffix}"


def is_dns_name(host: str) -> bool:
    """True for a name in lower case; an address in digits is none."""
    labels = host.split(".")
    return len(host) <= _DNS_NAME_LENGTH and all(map(_is_label, labels)) and not labels[-1].isdecimal()


def _is_label(label: str) -> bool:
    """RFC 1123 §2.1."""
    return 0 < len(label) <= _LABEL_LENGTH and _LABEL.issuperset(label) and "-" not in (label[0], label[-1])


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _canonical_host(host: str) -> str:
    if is_dns_name(host):
        return host
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(f"{host} is neither a domain name nor an address") from None
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)
