"""What an address says by its path: a login page, a change of the password, success, an error."""

from urllib.parse import urlsplit

from connectors.legacy.patterns import Pattern

_LOGIN = Pattern(r"(?i)log[-_]?[io]n|sign[-_]?in|denglu")
# The last part of an address that is a login page; in the others, the name only may be a part of one.
_LOGIN_PAGE = Pattern(
    r"(?i)/(to|go|user|admin|sys|main|index|re|wp)?[-_]?(log[-_]?[io]n|sign[-_]?in|denglu)[-_]?(page|form|view|index|do)?"
    r"(\.\w+)?/?$|/log[-_]?[io]n/(index|page|form)(\.\w+)?$"
)
_CHANGE = Pattern(
    r"(?i)(change|modify|update|reset|edit|init|first|set|alter|xg|forget|expired?)[-_/]?(user)?[-_]?(pwd|pass|mm|psw)"
    r"|(pwd|pass(word)?|psw)[-_/]?(change|modify|update|reset|edit|expired?|overdue)|xiugaimima|mustchange"
)
_SUCCESS = Pattern(r"(?i)log[-_]?in[-_/]?succe\w*|succe(ss|ed)")
_ERROR_PATH = Pattern(r"(?i)/(login)?[-_]?(error|fail(ed|ure)?)\b")
_ERROR_NAME = Pattern(r"(?i)(^|[&?/;_.-])(error|err|fail(ed|ure)?|invalid|wrong|denied|bad[_-]?cred)(or)?(.?)([^&#]*)")
_NOT_ONE = frozenset({"", "0", "false", "no", "none", "null"})
_SESSION_ID = Pattern(r"(?i);jsessionid=[^/?#]*")


def path_of(address: str) -> str:
    """The path without the session id that servlet containers append (`;jsessionid=`)."""
    try:
        return _SESSION_ID.replace("", urlsplit(address).path) or "/"
    except ValueError:
        return "/"


def names_login(text: str) -> bool:
    return _LOGIN.search(text) is not None


def is_login_page(path: str) -> bool:
    return _LOGIN_PAGE.search(path) is not None


def is_change(path: str) -> bool:
    return _CHANGE.search(path) is not None


def is_success(path: str) -> bool:
    return _SUCCESS.search(path) is not None


def says_error(path: str, tail: str) -> bool:
    """Whether the path, or a name in query or fragment, says so; `error=0` does not."""
    if _ERROR_PATH.search(path):
        return True
    match = _ERROR_NAME.search(tail)
    return match is not None and not (match[5] == "=" and match[6].lower() in _NOT_ONE)
