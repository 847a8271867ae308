"""Parameters of a protocol request: each at most once (RFC 6749 §3.1), empty ones as if left out."""

from collections.abc import Iterable, Mapping

from sso.errors import OAuthError

MAX_LENGTH = 16_384


def unique(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Raises invalid_request when a parameter comes twice or is absurd."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise OAuthError("invalid_request", "a parameter is repeated")
        if len(value) > MAX_LENGTH or "\x00" in value or "\x00" in name:
            raise OAuthError("invalid_request", "a parameter is malformed")
        found[name] = value
    return {name: value for name, value in found.items() if value}
