"""How legacy systems usually answer a sign-in: the rules where no recipe says otherwise."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from connectors.legacy import phrases, words
from connectors.legacy.answer import Answer, Outcome, Result, path_of
from connectors.legacy.detect import detect

_FLAGS = ("success", "succeed", "issuccess", "ok", "flag", "status", "result", "isok", "state")
_CODES = (
    "code",
    "errcode",
    "errorcode",
    "errno",
    "error_code",
    "ret",
    "retcode",
    "resultcode",
    "rtncode",
    "status",
    "state",
    "result",
    "statuscode",
    "rc",
)
_MESSAGES = (
    "msg",
    "message",
    "errmsg",
    "errormsg",
    "error_description",
    "info",
    "error",
    "resultmsg",
    "desc",
    "tip",
    "reason",
    "retmsg",
    "detail",
    "data",
    "result",
)
_TOKENS = ("token", "access_token", "accesstoken", "jwt", "id_token", "sessionid", "ticket", "sid")
_GOOD_CODES = re.compile(r"0+|2\d\d|20000|success|succ|ok|true|y", re.IGNORECASE)
_BAD_WORDS = re.compile(
    r"\b(fail\w*|err\w*|false|no|not|bad|wrong|invalid|denied|refused|unauthori[sz]ed|forbidden|locked|expired|n|f)\b",
    re.IGNORECASE,
)
# `A0001`, `AUTH_002`, `E-1004`
_ERROR_CODE = re.compile(r"[A-Z][A-Z_-]*\d+")
_SHORT = 64
# Undecided until the page that comes there is seen.
LEADS_BACK = Outcome("unknown", "it leads back to the address of the login page")


def by_convention(answer: Answer) -> Outcome:
    if answer.status >= 500:
        return Outcome("unknown", f"the system failed: HTTP {answer.status}")
    if answer.status in (423, 429):
        return Outcome("locked", f"HTTP {answer.status}")
    if answer.location:
        return _redirect(answer, answer.location)
    if isinstance(answer.json, Mapping):
        return _json(answer.json, answer.status)
    if answer.is_html:
        return _page(answer, _said(f"{answer.spoken} {answer.visible}"))
    return _said(answer.text[:4096], message=True) or _word(answer)


def _said(text: str, *, message: bool = False) -> Outcome | None:
    """The verdict a text speaks, or None. In a `message`, "enter the captcha" is a refusal; on a page it is a label."""
    match = phrases.WRONG_CAPTCHA.search(text) or (phrases.MISSING_CAPTCHA.search(text) if message else None)
    if match:
        return Outcome("unknown", f"the captcha was refused, not the password: {match[0][:_SHORT]!r}")
    verdicts: tuple[tuple[Result, re.Pattern[str]], ...] = (
        ("locked", phrases.LOCKED),
        ("expired", phrases.EXPIRED),
        ("failure", phrases.REFUSED),
    )
    for result, pattern in verdicts:
        if match := pattern.search(text):
            return Outcome(result, f"it says {match[0][:_SHORT]!r}")
    if match := phrases.KICKED_OUT.search(text):
        return Outcome("unknown", f"another session is open: {match[0][:_SHORT]!r}")
    return None


def _redirect(answer: Answer, target: str) -> Outcome:
    parts = urlsplit(target)
    tail = f"{parts.query}#{parts.fragment}"
    return (
        _said(unquote_plus(tail), message=True)
        or _telling_address(path_of(target), tail)
        or _back_to_login(answer, target)
        or Outcome("success", "it leads away from signing in")
    )


def _telling_address(path: str, tail: str) -> Outcome | None:
    if words.CHANGE_ADDRESS.search(path):
        return Outcome("expired", "it leads to a change of the password")
    if phrases.ERROR_QUERY.search(tail) or re.search(r"/(login)?(error|fail(ed|ure)?)\b", path, re.IGNORECASE):
        return Outcome("failure", "it leads to an address that says so")
    return None


def _back_to_login(answer: Answer, target: str) -> Outcome | None:
    path, login_url = path_of(target), answer.response.login_url
    if login_url and path == path_of(login_url):
        if words.LOGIN_NAME.search(path):
            return Outcome("failure", "it leads back to the login page")
        return LEADS_BACK  # a front page with the login box on it is where a good sign-in leads to as well
    if words.LOGIN_PAGE.search(path):
        return Outcome("failure", "it leads to a page of signing in")
    if words.LOGIN_NAME.search(path):
        return Outcome("unknown", "it leads to an address that may be a part of signing in")
    return None


def _page(answer: Answer, said: Outcome | None) -> Outcome:
    form = detect(answer.text, answer.response.url)
    if form is not None and form.password is not None:
        return said or Outcome("failure", "the login page is shown again")
    inside = phrases.SIGNED_IN.search(answer.visible)
    if said is not None:
        return _reconciled(answer, said, inside[0] if inside else "")
    if answer.moves_to and not inside:
        return _redirect(answer, answer.moves_to)
    return _other_page(answer, inside[0] if inside else "", framed=form is not None)


def _reconciled(answer: Answer, said: Outcome, inside: str) -> Outcome:
    """A page for people who are in may speak of passwords too: in its news, its reminders, its own settings."""
    if not inside:
        return said
    if said.result == "expired":
        return said if answer.asks_password else Outcome("success", f"it says {inside[:_SHORT]!r}; the password is old")
    return Outcome("unknown", f"it says {inside[:_SHORT]!r}, and {said.why}")


def _other_page(answer: Answer, inside: str, *, framed: bool) -> Outcome:
    """A page that asks for no password and complains of nothing."""
    if answer.status == 401:
        return Outcome("failure", "HTTP 401")
    if answer.status >= 400:
        return Outcome("unknown", f"HTTP {answer.status}")
    if phrases.LOGIN_AGAIN.search(answer.visible):
        return Outcome("unknown", "it asks to sign in again, for another reason than the password")
    if inside:
        return Outcome("success", f"it says {inside[:_SHORT]!r}, and asks for no password")
    if framed:
        return Outcome("success", "it shows the frames of the system, and asks for no password")
    return Outcome("unknown", "a page that tells nothing")


def _json(content: Mapping[str, Any], status: int) -> Outcome:
    """A message that names the trouble; else a token, a flag or a code."""
    flat = {name.lower(): value for name, value in content.items()}
    message = " ".join(str(flat[name]) for name in _MESSAGES if isinstance(flat.get(name), str))
    good = _verdict(flat)
    said = _said(message, message=True)
    if said is not None and (not good or said.result == "expired"):
        return said
    if good is None and status in (400, 401):
        good = False
    if good is None:
        return Outcome("unknown", "a JSON answer that tells nothing")
    if good:
        return Outcome("success", "the JSON answer says so")
    if message and status != 401:
        return Outcome("unknown", "the JSON answer refuses, for another reason than the password")
    return Outcome("failure", "the JSON answer refuses")


def _verdict(flat: Mapping[str, Any]) -> bool | None:
    for name in _FLAGS:
        if isinstance(flat.get(name), bool):
            return bool(flat[name])
    for name in _CODES:
        value = flat.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value):
            return _good_code(name, str(value), flat)
    data = flat.get("data")
    nested = {key.lower() for key in data} if isinstance(data, Mapping) else set()
    return True if any(flat.get(name) or name in nested for name in _TOKENS) else None


def _good_code(name: str, value: str, flat: Mapping[str, Any]) -> bool | None:
    """`{"status": 1}` means yes to some and no to others: believed only where nothing else is at stake."""
    if value == "1" and name in ("status", "state", "result", "code", "ret"):
        return True if any(flat.get(token) for token in _TOKENS) or isinstance(flat.get("data"), Mapping) else None
    if _GOOD_CODES.fullmatch(value) is not None:
        return True
    # `{"id": 7, "name": "…", "status": "active"}` is the person, not a verdict.
    is_code = value.lstrip("-").isdigit() or _ERROR_CODE.fullmatch(value) is not None
    return False if is_code or _BAD_WORDS.search(value) is not None else None


def _word(answer: Answer) -> Outcome:
    """Plain text, as old pages' scripts ask for it: `success`, `ok`, `false`."""
    text = answer.text.strip().strip("\"'").lower()
    if text in ("success", "ok", "true", "succ", "yes", "成功", "登录成功"):
        return Outcome("success", f"it says {text!r}")
    if answer.status == 401:
        return Outcome("failure", "HTTP 401")
    if answer.status in (200, 204) and not text and answer.cookies:
        return Outcome("unknown", "an empty answer that sets a cookie")
    return Outcome("unknown", "an answer that tells nothing")
