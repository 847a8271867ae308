"""How legacy systems usually answer a sign-in: the rules where no recipe says otherwise."""

from collections.abc import Mapping
from urllib.parse import unquote_plus, urlsplit

from connectors.legacy.outcome import addresses, phrases
from connectors.legacy.outcome.addresses import path_of
from connectors.legacy.outcome.answer import Answer, Outcome, Result
from connectors.legacy.outcome.blocks import BETWEEN
from connectors.legacy.outcome.json_answer import JsonAnswer
from connectors.legacy.page.detect import detect
from connectors.legacy.page.document import joined

_SHORT = 64
# Undecided until the page that comes there is seen.
LEADS_BACK = Outcome("unknown", "it leads back to the address of the login page")


def by_convention(answer: Answer) -> Outcome:
    if (told := _status(answer.status)) is not None:
        return told
    if answer.location:
        return _redirect(answer, answer.location)
    if isinstance(answer.json, Mapping | list):
        return _json(answer, JsonAnswer(answer.json))
    if answer.is_html:
        return _page(answer, said_on_page(answer))
    return _said_word(answer.text) or _said(answer.text[:4096], message=True) or _word(answer)


def said_on_page(answer: Answer) -> Outcome | None:
    """What the words of a page, and of the boxes that its script opens, say of a sign-in."""
    return _said(f"{answer.spoken} {BETWEEN} {answer.visible}")


def _status(status: int) -> Outcome | None:
    """What a status tells whatever comes with it."""
    if status >= 500:
        return Outcome("unknown", f"the system failed: HTTP {status}")
    if status in (423, 429):
        return Outcome("locked", f"HTTP {status}")
    return Outcome("success", "HTTP 204") if status == 204 else None


def _said(text: str, *, message: bool = False) -> Outcome | None:
    """The verdict a text speaks, or None. In a `message`, "enter the captcha" is a refusal; on a page it is a label."""
    match = phrases.WRONG_CAPTCHA.search(text) or (phrases.MISSING_CAPTCHA.search(text) if message else None)
    if match:
        return Outcome("unknown", f"the captcha was refused, not the password: {match[0][:_SHORT]!r}")
    verdicts: tuple[tuple[Result, phrases.Phrase], ...] = (
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
    if addresses.is_change(path):
        return Outcome("expired", "it leads to a change of the password")
    if addresses.says_error(path, tail):
        return Outcome("failure", "it leads to an address that says so")
    return None


def _back_to_login(answer: Answer, target: str) -> Outcome | None:
    path, login_url = path_of(target), answer.response.login_url
    if addresses.is_success(path):
        return None
    if addresses.names_login(urlsplit(target).fragment) or (login_url and path == path_of(login_url)):
        if addresses.names_login(path):
            return Outcome("failure", "it leads back to the login page")
        return LEADS_BACK  # a front page with the login box on it is where a good sign-in leads to as well
    if addresses.is_login_page(path):
        return Outcome("failure", "it leads to a page of signing in")
    if addresses.names_login(path):
        return Outcome("unknown", "it leads to an address that may be a part of signing in")
    return None


def _page(answer: Answer, said: Outcome | None) -> Outcome:
    form = detect(answer.text, answer.response.url)
    if form is not None and form.password is not None:
        if _is_login_form(answer, form.password.name):
            return said or Outcome("failure", "the login page is shown again")
        if answer.is_content and answer.status < 400:
            return Outcome("success", "it shows a page that asks for another password")
    inside = phrases.SIGNED_IN.search(answer.visible)
    if said is not None:
        return _reconciled(answer, said, inside[0] if inside else "")
    if answer.moves_to and not inside:
        return _redirect(answer, answer.moves_to)
    if answer.is_notice and (word := _said_word(answer.visible)) is not None:
        return word
    return _other_page(answer, inside[0] if inside else "", framed=form is not None and bool(form.frames))


def _is_login_form(answer: Answer, name: str) -> bool:
    """Whether a field of that name is the one which the sign-in was sent by."""
    sent = answer.response.password_fields
    return not sent or not name or name in sent


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
    why = (
        f"it says {inside[:_SHORT]!r}, and asks for no password"
        if inside
        else "it shows a page that asks for no password"
        if answer.is_content and not answer.asks_password
        else "it shows the frames of the system, and asks for no password"
        if framed
        else ""
    )
    return Outcome("success", why) if why else Outcome("unknown", "a page that tells nothing")


def _json(answer: Answer, told: JsonAnswer) -> Outcome:
    """What its words say, else what its flags, codes and members do. Words win over codes: many a system answers `200`
    to say that the password is wrong."""
    return json_said(told) or json_shown(answer, told) or Outcome("unknown", "a JSON answer that tells nothing")


def json_said(told: JsonAnswer) -> Outcome | None:
    """What its words say."""
    said = _said(told.message, message=True)
    if phrases.SUCCEEDED.search(told.message) and (said is None or said.result != "expired"):
        return Outcome("success", "the JSON answer says so")
    if said is None and told.asks_for_change:
        return Outcome("expired", "the JSON answer asks for a change of the password")
    return said


def json_shown(answer: Answer, told: JsonAnswer) -> Outcome | None:
    """What its flags, codes and members say."""
    good = told.verdict
    if good is None and answer.status < 300:
        if told.address:
            led = _redirect(answer, joined(answer.response.url, told.address) or told.address)
            # A script is sent to the front page for one reason only.
            return Outcome("success", "the JSON answer leads to the front page") if led is LEADS_BACK else led
        good = True if told.is_person else None
    elif good is None and answer.status in (400, 401, 403, 422):
        good = False
    if good:
        return Outcome("success", "the JSON answer says so")
    if good is False and answer.status != 401 and phrases.OTHER_REASON.search(told.message):
        return Outcome("unknown", "the JSON answer refuses, for another reason than the password")
    return Outcome("failure", "the JSON answer refuses") if good is False else None


def _said_word(said: str) -> Outcome | None:
    """Plain text, as old pages' scripts ask for it: `success`, `ok`, `Fails.`, `-1`."""
    text = said.strip().strip("\"'“”!！.。;；,，:： ").lower()
    if text in phrases.NO:
        return Outcome("failure", f"it says {text!r}")
    if text in phrases.YES or phrases.SUCCEEDED.search(text[:200]):
        return Outcome("success", f"it says {text[:_SHORT]!r}")
    return None


def _word(answer: Answer) -> Outcome:
    """An answer that says nothing in words."""
    text = answer.text.strip()
    if answer.status in (401, 403) and not phrases.OTHER_REASON.search(text):
        return Outcome("failure", f"HTTP {answer.status}")
    if answer.status in (200, 204) and not text and answer.cookies:
        return Outcome("unknown", "an empty answer that sets a cookie")
    return Outcome("unknown", "an answer that tells nothing")
