"""What the JSON answer to a sign-in tells: its message, its verdict, whether it is about a person who is in."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from connectors.legacy.patterns import Pattern

_FLAGS = ("success", "succeed", "issuccess", "ok", "flag", "isok")
_CODES = (
    *("code", "errcode", "errorcode", "errno", "error_code", "ret", "retcode", "resultcode", "rtncode"),
    *("status", "state", "result", "statuscode", "rc", "rs", "res", "loginstatus", "msgcode", "type", "error"),
)
_MESSAGES = frozenset(
    {
        *("msg", "message", "errmsg", "errormsg", "error_description", "info", "error", "errors", "resultmsg", "desc"),
        *("tip", "tips", "reason", "retmsg", "rtnmsg", "detail", "title", "non_field_errors", "text", "content"),
        *("data", "result", "email", "username", "password", "reason", "err", "login", "auth"),
    }
)
_TOKENS = frozenset({"token", "access_token", "accesstoken", "jwt", "id_token", "sessionid", "ticket", "sid"})
_PEOPLE = frozenset({"user", "userinfo", "username", "loginname", "account", "user_id", "userid"})
_ADDRESSES = ("redirect", "redirect_url", "redirecturl", "url", "next", "location", "href")
# What wraps the answer proper.
_WRAPPERS = ("head", "header", "meta", "data", "body", "result", "response", "login", "d")
_ASKS = Pattern(r"(?i)(need|must|force|first|should)\w*(change|modify|reset|update|edit)\w*(pwd|pass)")
_GOOD_CODES = Pattern(r"(?i)0+|2\d\d|20000|success|succ|ok|true|y|yes")
_BAD_WORDS = Pattern(
    r"(?i)\b(fail\w*|err\w*|false|no|not|bad|wrong|invalid|denied|refused|unauthori[sz]ed|forbidden|locked|expired|n|f)\b"
)
# `A0001`, `AUTH_002`, `E-1004`
_ERROR_CODE = Pattern(r"[A-Z][A-Z_-]*\d+")
_DEEPEST = 4
_MOST = 200


class JsonAnswer:
    """Views of a document, each made once. Names are compared in lower case."""

    def __init__(self, document: Any) -> None:
        self._members = list(_members(document, 0))[:_MOST]
        self._parts = list(_parts(document))

    @cached_property
    def message(self) -> str:
        """Everything that is said to a person, at any depth."""
        return " ".join(value for name, value in self._members if name in _MESSAGES and isinstance(value, str))

    @cached_property
    def verdict(self) -> bool | None:
        """What the answer's flags and codes say, the worst first; else True where it brings a token."""
        verdicts = [one for part in self._parts if (one := _verdict(part, brings_token=self._brings_token)) is not None]
        if verdicts:
            return all(verdicts)
        if self._brings_token:
            return True
        return False if self._has_errors or self._has_negative else None

    @cached_property
    def _has_errors(self) -> bool:
        """GraphQL (§7.1) and JSON:API answer so, with any status."""
        return any(isinstance(part.get("errors"), list | Mapping) and part["errors"] for part in self._parts)

    @cached_property
    def _has_negative(self) -> bool:
        """`{"rs": -1}`: whatever the member is called."""
        plain = [value for part in self._parts for value in part.values()]
        return any(isinstance(one, int) and not isinstance(one, bool) and one < 0 for one in plain)

    @cached_property
    def asks_for_change(self) -> bool:
        return any(value is True and _ASKS.search(name) for name, value in self._members)

    @cached_property
    def is_person(self) -> bool:
        return any(name in _PEOPLE and value for name, value in self._members)

    @cached_property
    def address(self) -> str:
        """Where the page's script shall go."""
        found = (value for name, value in self._members if name in _ADDRESSES and isinstance(value, str))
        return next((value for value in found if value.startswith(("/", "http"))), "")

    @cached_property
    def _brings_token(self) -> bool:
        return any(name in _TOKENS and value for name, value in self._members)


def _members(document: Any, depth: int, named: str = "") -> Iterator[tuple[str, Any]]:
    """Every member with a plain value, by name; the items of a list have the list's name."""
    if isinstance(document, Mapping) and depth < _DEEPEST:
        for name, value in document.items():
            lowered = str(name).lower()
            if isinstance(value, Mapping) and value:
                yield lowered, True
            yield from _members(value, depth + 1, lowered)
    elif isinstance(document, list) and depth < _DEEPEST:
        for value in document[:20]:
            yield from _members(value, depth + 1, named)
    elif not isinstance(document, Mapping | list):
        yield named, document


def _parts(document: Any) -> Iterator[Mapping[str, Any]]:
    """The document, and what it wraps."""
    if isinstance(document, Mapping):
        flat = {str(name).lower(): value for name, value in document.items()}
        yield flat
        for name in _WRAPPERS:
            if isinstance(flat.get(name), Mapping):
                yield {str(inner).lower(): value for inner, value in flat[name].items()}


def _verdict(part: Mapping[str, Any], *, brings_token: bool) -> bool | None:
    for name in (*_FLAGS, "status", "result", "state"):
        value = part.get(name)
        if isinstance(value, bool):
            return value
        if name in _FLAGS and isinstance(value, int | str) and str(value):
            return str(value).lower() in ("1", "true", "success", "succ", "y", "yes", "ok")
    for name in _CODES:
        value = part.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value):
            return _good_code(name, str(value), brings_token or isinstance(part.get("data"), Mapping))
    return None


def _good_code(name: str, value: str, brings_something: bool) -> bool | None:
    """`{"status": 1}` means yes to some and no to others: believed only where nothing else is at stake."""
    if value == "1" and name in ("status", "state", "result", "code", "ret"):
        return True if brings_something else None
    if _GOOD_CODES.fullmatch(value) is not None:
        return True
    # `{"id": 7, "name": "…", "status": "active"}` is the person, not a verdict.
    is_code = value.lstrip("-").isdigit() or _ERROR_CODE.fullmatch(value) is not None
    return False if is_code or _BAD_WORDS.search(value) is not None else None
