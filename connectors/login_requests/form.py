"""The login request of a page's own form, as a visitor who is not signed in was given it.

The page is read twice. What differs between the two answers - tokens, ids of sessions - is of the one visit; what stays
is what the address and the hidden fields always say.
"""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlsplit

from connectors.errors import ConnectorError
from connectors.legacy.page.login_form import LoginForm
from connectors.login_requests.request import Kind, LoginRequest, fixed_query, plain_path, says_what
from connectors.origin import ExactOrigin

KINDS: Mapping[str, Kind] = {"application/x-www-form-urlencoded": "urlencoded", "multipart/form-data": "multipart"}


def request_of_form(form: LoginForm, again: LoginForm | None, origins: Collection[str]) -> LoginRequest | None:
    """None where the form does not tell: a script sends the password, it would stand in an address, or the form leads
    to an origin that is not the system's (DESIGN §4.16). `again` is the same form of a second visit."""
    kind = KINDS.get(form.enctype)
    if form.is_scripted or form.method != "POST" or kind is None or not form.password:
        return None
    origin = _origin_of(form.action)
    if origin not in origins:
        return None
    parts, other = urlsplit(form.action), urlsplit(again.action if again is not None else form.action)
    if plain_path(parts.path) != plain_path(other.path):
        return None
    seen_again = again.hidden if again is not None else form.hidden
    return LoginRequest(
        origin=origin,
        method="POST",
        path=plain_path(parts.path),
        query=_query(parts.query, other.query),
        kind=kind,
        username=form.username or None,
        passwords=dict.fromkeys((*form.passwords, *form.hidden)),
        made_only=tuple(form.hidden),
        constants={
            name: value
            for name, value in form.hidden.items()
            if says_what(name, value) and seen_again.get(name) == value
        },
    )


def _query(query: str, again: str) -> dict[str, str | None]:
    pairs, others = (parse_qsl(one, keep_blank_values=True, encoding="latin-1") for one in (query, again))
    seen_again = dict(others)
    return {name: value if seen_again.get(name) == value else None for name, value in fixed_query(pairs).items()}


def _origin_of(address: str) -> str:
    try:
        return str(ExactOrigin.parse(address))
    except ConnectorError:
        return ""
