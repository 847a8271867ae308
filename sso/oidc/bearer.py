"""Where a request to a protected resource carries its access token (RFC 6750 §2): header or form, never the address."""

from collections.abc import Iterable, Mapping

from sso.errors import OAuthError


def bearer_token(authorization: str | None, query: Iterable[str], form: Mapping[str, str]) -> str:
    """The token. Raises invalid_token where there is none, invalid_request where there are several or in the query."""
    if "access_token" in query:
        raise OAuthError("invalid_request", "an access token in the address is refused")  # RFC 9700 §4.3.2
    scheme, _, in_header = (authorization or "").partition(" ")
    given = [in_header.strip()] if scheme.lower() == "bearer" and in_header.strip() else []
    if "access_token" in form:
        given.append(form["access_token"])
    if len(given) > 1:
        raise OAuthError("invalid_request", "more than one access token")
    if not given:
        raise OAuthError("invalid_token", "no access token", status=401)
    return given[0]
