"""What one control of a login page is for, told from its words."""

import re
from dataclasses import dataclass
from typing import Literal

from connectors.legacy.page import words
from connectors.legacy.page.controls import Control

Role = Literal["username", "password", "otp", "captcha", "hidden", "remember", "tenant", "submit", "other"]

_AUTOCOMPLETE: dict[str, Role] = {
    "username": "username",
    "email": "username",
    "tel": "username",
    "current-password": "password",
    "new-password": "password",
    "one-time-code": "otp",
    "organization": "tenant",
}
# Of equal weight, the first wins: a "手机验证码" is a code, not a telephone; a "用户密码" is a password, not a user.
_ORDER = ("pin", "otp", "captcha", "password", "strong_tenant", "username", "tenant", "search")
_ROLES: dict[str, Role] = {
    "otp": "otp",
    "captcha": "captcha",
    "username": "username",
    "strong_tenant": "tenant",
    "tenant": "tenant",
    "search": "other",
}
_PLACEHOLDER_WEIGHT = 0.95
_LABEL_WEIGHT = 0.9
_IDENTIFIER_WEIGHT = 0.85
_SHORT_CODE = 8


@dataclass(frozen=True)
class Guess:
    """A role, in plain words why, and how sure: 0 to 1."""

    role: Role
    why: str
    confidence: float


def guess(control: Control) -> Guess:
    """The role of a control by itself; which of several user names is the one, its form decides."""
    if control.hidden:
        return Guess("hidden", control.hidden, 1.0)
    if control.type in ("checkbox", "radio"):
        return _choice(control)
    if control.tag == "select":
        return _select(control)
    if control.type == "password":
        return _typed_password(control)
    if control.is_text:
        return _text(control)
    return Guess("other", f"a {control.type}", 0.5)


def is_setting(control: Control) -> bool:
    """True for a password that is being set: new, old or repeated."""
    said = f"{control.placeholder} {control.label}"
    return bool(words.SETTING.search(said)) or any(words.SETTING_IDENTIFIER.search(one) for one in control.identifiers)


def _choice(control: Control) -> Guess:
    word = _word(control, "remember")
    return Guess("remember", f"says {word!r}", 0.9) if word else Guess("other", f"a {control.type}", 0.5)


def _select(control: Control) -> Guess:
    for word_role in ("strong_tenant", "tenant"):
        if word := _word(control, word_role):
            return Guess("tenant", f"a choice that says {word!r}", 0.9)
    if word := _word(control, "username"):
        return Guess("username", f"a choice that says {word!r}", 0.6)
    return Guess("other", "a choice", 0.4)


def _typed_password(control: Control) -> Guess:
    # Some pages cover captchas and tokens with dots, too.
    for word_role, role in (("pin", "other"), ("otp", "otp"), ("captcha", "captcha")):
        word = _word(control, word_role)
        if word and not _own_password_word(control, word):
            why = "a PIN is the person's, and never kept" if word_role == "pin" else f"says {word!r}"
            return Guess(role, why, 0.85)  # type: ignore[arg-type]
    return Guess("password", "type=password", 0.99)


def _own_password_word(control: Control, word: str) -> bool:
    """True when a password word stands in a name without the other word: `captcha` may be in a label nearby only."""
    return (
        any(words.IDENTIFIERS["password"].search(one) and word not in one for one in control.identifiers)
        and word not in control.placeholder
    )


def _text(control: Control) -> Guess:
    completed = control.get("autocomplete").lower().split()
    if completed and (role := _AUTOCOMPLETE.get(completed[-1])):
        return Guess(role, f"autocomplete={completed[-1]}", 0.97)
    found = [(name, *strength) for name in _ORDER if (strength := _strength(control, name))]
    if not found:
        return _wordless(control)
    name, weight, word = max(found, key=lambda one: one[1])
    if name == "captcha" and control.sends_code and not control.captcha_image:
        return Guess("otp", f"says {word!r}, and a button sends it", 0.85)
    if name == "pin":
        return Guess("other", "a PIN is the person's, and never kept", 0.8)
    if name == "password":
        return Guess("password", f"a text field that says {word!r}", 0.7)
    return Guess(_ROLES[name], f"says {word!r}", weight)


def _wordless(control: Control) -> Guess:
    length = control.get("maxlength")
    if control.captcha_image and (not length.isdecimal() or int(length) <= _SHORT_CODE):
        return Guess("captcha", "a picture of a code stands beside it", 0.8)
    return Guess("other", "nothing tells what it is", 0.3)


def _word(control: Control, name: str) -> str:
    strength = _strength(control, name)
    return strength[1] if strength else ""


def _strength(control: Control, name: str) -> tuple[float, str] | None:
    """How strongly the control says it: people's words weigh a little more than programs' names."""
    for text, weight in ((control.placeholder, _PLACEHOLDER_WEIGHT), (control.label, _LABEL_WEIGHT)):
        if match := words.LABELS[name].search(text):
            return weight, re.sub(r"\s", "", match[0])
    if name in words.IDENTIFIERS:
        for identifier in control.identifiers:
            if match := words.IDENTIFIERS[name].search(identifier):
                return _IDENTIFIER_WEIGHT, match[0]
    return None
