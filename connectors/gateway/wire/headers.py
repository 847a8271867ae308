"""Which header fields pass the gateway, and how they change on the way (DESIGN §4.17)."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.gateway.wire.methods import is_refused
from connectors.gateway.wire.rewrite import OriginMap

Header = tuple[str, str]

SESSION_COOKIE = "yimen-gateway"
SIGN_IN_COOKIE = "yimen-gateway-sign-in"
# Between the gateway and its script in a page: which fill stands in the page untouched; why a sign-in was stopped.
FILLED_COOKIE = "yimen-filled"
REFUSED_COOKIE = "yimen-refused"
# How long the password is that a person has typed; where an account that they typed can be kept.
TYPED_COOKIE = "yimen-typed"
OFFER_COOKIE = "yimen-offer"
# Whose echo is looked for in the pages that follow a sign-in.
ECHO_COOKIE = "yimen-echo"

# RFC 9110 §7.6.1, and the older ones that proxies still meet.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# What only a trusted proxy may say about a request; from a browser it is a lie. Tokens that scripts of pages send are
# nobody's identity by themselves, and pass.
_IDENTITY = frozenset(
    {
        *("x-forwarded", "forwarded", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip"),
        *("remote-user", "x-http-method-override", "x-method-override", "proxy"),
    }
)
_IDENTITY_BEGINNINGS = (
    *("x-forwarded-", "x-original-", "x-rewrite-", "x-remote-", "x-auth-", "x-authenticated-", "x-webauth-", "x-user"),
    *("x-yimen-", "x-ssl-", "ssl-client-", "x-client-cert"),
)
_TOKENS = frozenset({"x-auth-token", "x-user-token"})
# Frameworks read a request's method from these, too.
_METHOD_FIELDS = frozenset({"x-http-method"})
_REQUEST_OWN = frozenset({"host", "content-length", "accept-encoding", "expect", "cookie", "origin", "referer"})
_RESPONSE_DROPPED = frozenset(
    {
        "content-length",
        "content-encoding",
        "strict-transport-security",
        "public-key-pins",
        "expect-ct",
        "alt-svc",
        "clear-site-data",
        "service-worker-allowed",
        "www-authenticate",
        "proxy-authenticate",
        "server",
        "x-powered-by",
        "date",
        "report-to",
        "nel",
        "reporting-endpoints",
        "content-security-policy-report-only",
        "set-cookie",
        "location",
        "content-location",
        "refresh",
        "link",
        "content-security-policy",
        "access-control-allow-origin",
    }
)
# A number of two digits in a cookie's name is seldom a port.
_SHORTEST_PORT = 2
# A page is always asked for whole: one that the browser kept from last time may hold a dummy that is spent.
_CONDITIONAL = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"})


@dataclass(frozen=True)
class Peer:
    """What an upstream is told of the caller, and the one credential the gateway adds by itself."""

    forwarded_for: str | None = None
    authorization: str | None = None


def upstream_headers(received: Iterable[Header], origins: OriginMap, peer: Peer, accept_encoding: str) -> list[Header]:
    """The request's header fields as the legacy server gets them."""
    received = list(received)
    dropped = _HOP_BY_HOP | _REQUEST_OWN | _named_in_connection(received)
    sent = [(name, value) for name, value in received if not _is_ours_to_say(name, value, dropped) and _is_plain(value)]
    values = dict(received)
    if "range" in values:
        # A part of a coded body could not be read (RFC 9110 §14.2); browsers ask so, too.
        accept_encoding = "identity"
    sent += [("host", origins.told_authority), ("accept-encoding", accept_encoding), *_forwarded(origins)]
    for name in ("origin", "referer"):
        if name in values:
            sent.append((name, origins.to_upstream(values[name])))
    cookies = _foreign_cookies(value for name, value in received if name == "cookie")
    if cookies:
        pairs = (_named_after(pair, origins.gateway_port, origins.upstream.port) for pair in cookies.split("; "))
        sent.append(("cookie", "; ".join(pairs)))
    if peer.authorization is not None:
        sent = [(name, value) for name, value in sent if name != "authorization"]
        sent.append(("authorization", peer.authorization))
    if peer.forwarded_for is not None:
        sent.append(("x-forwarded-for", peer.forwarded_for))
    return sent


def unconditional(headers: Iterable[Header]) -> list[Header]:
    return [(name, value) for name, value in headers if name not in _CONDITIONAL]


def whole(headers: Iterable[Header]) -> list[Header]:
    """A request for all of it, not for a part (RFC 9110 §14.2)."""
    return [(name, value) for name, value in headers if name not in ("range", "if-range")]


def never_kept(headers: Iterable[Header]) -> list[Header]:
    """An answer that no cache may keep, the browser's own included (RFC 9111 §5.2.2.5)."""
    unwanted = {"cache-control", "expires", "pragma", "etag", "last-modified", "age"}
    return [*((name, value) for name, value in headers if name not in unwanted), ("cache-control", "no-store")]


def browser_headers(answered: Iterable[Header], origins: OriginMap, *, secure: bool, target: str = "/") -> list[Header]:
    """The answer's header fields as the browser gets them; the policy of content is the injection's matter. An empty
    Location is the address that was asked for, `target` (RFC 3986 §4.4): not every browser follows it as it stands.
    """
    answered = [(name.lower(), value) for name, value in answered]
    dropped = _HOP_BY_HOP | _RESPONSE_DROPPED | _named_in_connection(answered)
    sent = [(name, value) for name, value in answered if name not in dropped]
    for name, value in answered:
        if name == "set-cookie":
            cookie = _set_cookie(value, secure=secure)
            if cookie is not None:
                sent.append((name, _named_after(cookie, origins.upstream.port, origins.gateway_port)))
        elif name == "location":
            sent.append((name, origins.text_to_gateway(value) or target))
        elif name in ("content-location", "refresh", "link", "access-control-allow-origin"):
            sent.append((name, origins.text_to_gateway(value)))
        elif name == "content-security-policy":
            sent.append((name, _policy(origins, value, secure=secure)))
    return sent


def cookie_names(answered: Iterable[Header]) -> tuple[str, ...]:
    """Names of the cookies that an answer sets."""
    values = (value for name, value in answered if name.lower() == "set-cookie")
    return tuple(value.partition("=")[0].strip() for value in values)


def cookies_of(received: Iterable[Header]) -> Mapping[str, str]:
    """The legacy system's own cookies of a request."""
    text = _foreign_cookies(value for name, value in received if name == "cookie")
    pairs = (part.partition("=") for part in text.split("; ") if part)
    return {name: value for name, _, value in pairs}


def sent_cookie_names(received: Iterable[Header], origins: OriginMap) -> frozenset[str]:
    """The names of those cookies, as the system calls them."""
    return frozenset(_named_after(name, origins.gateway_port, origins.upstream.port) for name in cookies_of(received))


def _named_in_connection(headers: Sequence[Header]) -> frozenset[str]:
    """RFC 9110 §7.6.1: what the Connection field names is for this hop only; never the fields that frame a message."""
    named = {
        token.strip().lower() for name, value in headers if name.lower() == "connection" for token in value.split(",")
    }
    return frozenset(named - {"", "close", "cookie", "host", "content-length", "content-type", "authorization"})


def _forwarded(origins: OriginMap) -> list[Header]:
    """For applications that build their addresses from what a proxy in front of them says."""
    if origins.tells == "system":
        return []
    scheme, _, authority = origins.gateway_origin.partition("://")
    return [("x-forwarded-host", authority), ("x-forwarded-proto", scheme)]


def _is_ours_to_say(name: str, value: str, dropped: frozenset[str]) -> bool:
    """CGI and WSGI write a field's name with underscores, so `Remote_User` would pass for `Remote-User`."""
    dashed = name.replace("_", "-")
    if name in dropped or dashed in dropped or _is_identity(dashed):
        return True
    return dashed in _METHOD_FIELDS and is_refused(value)


def _is_identity(name: str) -> bool:
    if name in _TOKENS:
        return False
    # `x-users` and `x-username` are no more a page's to say than `x-user`.
    return name in _IDENTITY or name.startswith(_IDENTITY_BEGINNINGS)


def _is_plain(value: str) -> bool:
    return not any(character in value for character in "\r\n\x00")


def _foreign_cookies(values: Iterable[str]) -> str:
    """Every cookie but ours: Yimen's sign-in never reaches a legacy host."""
    pairs = (pair.strip() for value in values for pair in value.split(";"))
    return "; ".join(pair for pair in pairs if pair and not _is_our_cookie(pair))


def _named_after(pair: str, port: int, other: int) -> str:
    """Some applications name a cookie after the port in the address, and their scripts look for the port that the
    browser sees: `csrf_token_P5000`."""
    name, equals, value = pair.partition("=")
    digits = str(port)
    at = name.find(digits) if len(digits) > _SHORTEST_PORT else -1
    around = name[at - 1 : at] + name[at + len(digits) : at + len(digits) + 1]
    if at <= 0 or any(character.isdigit() for character in around):
        return pair
    return f"{name[:at]}{other}{name[at + len(digits) :]}{equals}{value}"


def _is_our_cookie(pair: str) -> bool:
    name = pair[:32].lower()
    return name.removeprefix("__host-").removeprefix("__secure-").startswith("yimen-")


def _set_cookie(value: str, *, secure: bool) -> str | None:
    """Host-only always; Secure as the gateway is; a legacy server sets no cookie of ours."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    # A cookie without a name is sent as its value alone: `=yimen-gateway=x` would come back as ours.
    if not pair or _is_our_cookie(pair.lstrip("= \t")):
        return None
    kept = [pair]
    for attribute in attributes:
        name = attribute.partition("=")[0].strip().lower()
        if name == "domain" or (name == "secure" and not secure):
            continue
        if name == "samesite" and attribute.lower().endswith("none") and not secure:
            attribute = "SameSite=Lax"  # noqa: PLW2901 - browsers refuse None without Secure
        kept.append(attribute)
    return "; ".join(kept)


def _policy(origins: OriginMap, value: str, *, secure: bool) -> str:
    """A policy that names the system's host, with or without a scheme, means the gateway's."""
    unwanted = {"report-uri", "report-to"} | (set() if secure else {"upgrade-insecure-requests"})
    own = {origins.upstream_authority: origins.gateway_authority}
    directives = (part.split() for part in origins.text_to_gateway(value).split(";"))
    return "; ".join(
        " ".join(own.get(word.lower(), word) for word in words)
        for words in directives
        if words and words[0].lower() not in unwanted
    )


def basic_credential(authorization: str) -> str:
    """`user:password` of a Basic header field (RFC 7617); empty when it is no such field."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
