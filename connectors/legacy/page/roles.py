"""What one control of a login page is for, told from its words."""

from dataclasses import dataclass
from typing import Literal

from connectors.legacy.page import words
from connectors.legacy.page.controls import Control

Role = Literal["username", "password", "otp", "captcha", "hidden", "remember", "tenant", "person", "submit", "other"]
# What a form that has such a field beside the user name is for: not for signing in.
Kind = Literal["", "card", "personal", "family_name", "phone", "pin", "unknown"]


@dataclass(frozen=True)
class Guess:
    """A role, in plain words why, and how sure: 0 to 1."""

    role: Role
    why: str
    confidence: float
    kind: Kind = ""


# HTML §4.10.18.7.1: what the page itself says to browsers.
_PERSONAL = (
    *("given-name", "additional-name", "nickname", "bday", "sex", "street-address", "address-line1"),
    *("address-line2", "address-level1", "address-level2", "postal-code", "country"),
)
_CARD = ("cc-number", "cc-name", "cc-csc", "cc-exp", "cc-exp-month", "cc-exp-year", "cc-type")
_COMPLETIONS: dict[str, tuple[Role, float, Kind]] = {
    "username": ("username", 0.99, ""),
    "email": ("username", 0.9, ""),
    "tel": ("username", 0.88, "phone"),
    "tel-national": ("username", 0.88, "phone"),
    "current-password": ("password", 0.97, ""),
    "one-time-code": ("otp", 0.97, ""),
    "organization": ("tenant", 0.9, ""),
    "family-name": ("other", 0.97, "family_name"),
    **dict.fromkeys(_PERSONAL, ("other", 0.97, "personal")),
    **dict.fromkeys(_CARD, ("other", 0.97, "card")),
}
# Of equal weight, the first wins: a "手机验证码" is a code, not a telephone; a "用户密码" is a password, not a user.
_ORDER = (
    *("card", "pin", "otp", "captcha", "password", "strong_tenant", "dialling", "personal", "username", "tenant"),
    "search",
)
_ROLES: dict[str, Role] = {
    "otp": "otp",
    "captcha": "captcha",
    "username": "username",
    "strong_tenant": "tenant",
    "tenant": "tenant",
    "search": "other",
    "dialling": "other",
}
_HINT_WEIGHT = 0.95
_LABEL_WEIGHT = 0.9
_IDENTIFIER_WEIGHT = 0.85
_NEAR_WEIGHT = 0.8
_SHORT_CODE = 8


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


def guess_beside_password(control: Control) -> Guess:
    """The role of a text field where the form has a password field of its own: it is for something else, though it may
    speak of passwords ("user name, not your mail password")."""
    known = guess(control)
    if known.role != "password" or not control.is_text:
        return known
    return _text(control, leaving_out="password")


def is_setting(control: Control) -> bool:
    """True for a password that is being set, or given to be changed: new, old or repeated."""
    if control.completion == "new-password":
        return True
    label = words.folded(control.label)
    labelled = words.says("label.setting", label) and (not control.is_near or words.says("label.password", label))
    said = labelled or words.says("label.setting", words.folded(control.hint))
    return said or any(words.says("name.setting", one) for one in control.identifiers)


def is_read_as_password(control: Control) -> bool:
    """Whether people read "Password", and nothing beside it."""
    read = [one for one in (words.folded(control.label), words.folded(control.hint)) if one]
    return bool(read) and all(words.says_only("label.password", one) for one in read)


def is_phone(control: Control) -> bool:
    texts = (words.folded(control.hint), words.folded(control.label))
    return control.type == "tel" or any(words.says("label.phone", text) for text in texts)


def _choice(control: Control) -> Guess:
    word = _word(control, "remember")
    return Guess("remember", f"says {word!r}", 0.9) if word else Guess("other", f"a {control.type}", 0.5)


def _select(control: Control) -> Guess:
    if word := _word(control, "dialling"):
        return Guess("other", f"a choice that says {word!r}", 0.6)
    if word := _word(control, "personal"):
        return Guess("other", f"a choice that says {word!r}", 0.6, "personal")
    for group in ("strong_tenant", "tenant"):
        if word := _word(control, group):
            return Guess("tenant", f"a choice that says {word!r}", 0.9)
    if word := _word(control, "username"):
        return Guess("username", f"a choice that says {word!r}", 0.6)
    return Guess("other", "a choice", 0.4)


def _typed_password(control: Control) -> Guess:
    completed = _COMPLETIONS.get(control.completion)
    if completed is not None and completed[0] in ("other", "otp"):
        return Guess(completed[0], f"autocomplete={control.completion}", completed[1], completed[2])
    # Some pages cover captchas, tokens and card codes with dots, too.
    for group in ("card", "pin", "otp", "captcha"):
        word = _word(control, group)
        if word and (group == "card" or not _own_password_word(control, word)):
            return _secret(group, word)
    return Guess("password", "type=password", 0.99)


def _secret(group: str, word: str) -> Guess:
    if group == "card":
        return Guess("other", f"says {word!r}: a card's, never kept", 0.9, "card")
    if group == "pin":
        return Guess("other", "a PIN is the person's, and never kept", 0.85)
    return Guess(_ROLES[group], f"says {word!r}", 0.85)


def _own_password_word(control: Control, word: str) -> bool:
    """True when a password word stands in a name without the other word - `captcha` may be in a label nearby only - or
    beside it in the label ("PIN or password"), or where it is only programs that say the other word."""
    label = words.folded(control.label)
    if word in label and words.says("label.password", label.replace(word, "")):
        return True
    if _is_read_as_password(control, word):
        return True
    return any(words.says("name.password", one) and word not in one for one in control.identifiers) and (
        word not in words.folded(control.hint)
    )


def _is_read_as_password(control: Control, word: str) -> bool:
    """`name=pin`, and people read "Password". Not in Chinese: there 密码 may be what a USB key asks for."""
    read = (words.folded(control.hint), "" if control.is_near else words.folded(control.label))
    return all(word not in one and one.isascii() for one in read) and any(
        words.says("label.password", one) for one in read
    )


def _text(control: Control, *, leaving_out: str = "") -> Guess:
    if completed := _COMPLETIONS.get(control.completion):
        return Guess(completed[0], f"autocomplete={control.completion}", completed[1], completed[2])
    names = [one for one in _ORDER if one != leaving_out and (one != "password" or control.type == "text")]
    found = {name: strength for name in names if (strength := _strength(control, name))}
    if not found:
        return _wordless(control)
    name = max(found, key=lambda one: (found[one][0], -_ORDER.index(one)))
    if name in ("strong_tenant", "tenant") and _ends_in_user(control, found, name):
        name = "username"
    return _said(control, name, *found[name], may_sign_in="username" in found)


def _said(control: Control, name: str, weight: float, word: str, *, may_sign_in: bool) -> Guess:
    why = f"says {word!r}"
    if name == "card" and words.says("label.card_number", word):
        # A library card or 一卡通 is who signs in, where no other field is.
        return Guess("username", why, 0.5, "card")
    if name in ("pin", "card"):
        return _secret(name, word)
    if name == "personal":
        # 姓名 alone beside a password is who signs in.
        kind: Kind = "family_name" if _is_family_name(control) else "personal"
        return Guess("username" if may_sign_in else "other", why, 0.5, kind)
    if name == "captcha" and control.sends_code and not control.captcha_image:
        return Guess("otp", f"{why}, and a button sends it", 0.85)
    if name == "password":
        return Guess("password", f"a text field that {why}", 0.7)
    return Guess(_ROLES[name], why, weight, "phone" if name == "username" and is_phone(control) else "")


def _is_family_name(control: Control) -> bool:
    """True where people read that and no more: a name in full is another matter."""
    read = [one for one in (words.folded(control.label), words.folded(control.hint)) if one]
    return bool(read) and all(words.says_only("label.family_name", one) for one in read)


def _ends_in_user(control: Control, found: dict[str, tuple[float, str]], name: str) -> bool:
    """In "domain account" and 租户用户名 the last word says what it is."""
    if "username" not in found:
        return False
    for text in (words.folded(control.hint), words.folded(control.label)):
        user, other = found["username"][1], found[name][1]
        if user in text and other in text:
            return text.rfind(user) > text.rfind(other)
    return False


def _wordless(control: Control) -> Guess:
    length = control.get("maxlength")
    if control.captcha_image and (not length.isdecimal() or int(length[:6]) <= _SHORT_CODE):
        return Guess("captcha", "a picture of a code stands beside it", 0.8)
    if control.type == "email":
        return Guess("username", "type=email", 0.8)
    if is_phone(control):
        return Guess("username", "a telephone", 0.5, "phone")
    return Guess("other", "nothing tells what it is", 0.3, "unknown")


def _word(control: Control, group: str) -> str:
    strength = _strength(control, group)
    return strength[1] if strength else ""


def _strength(control: Control, group: str) -> tuple[float, str] | None:
    """How strongly the control says it. People's words weigh more than programs' names; text that only stands in front
    weighs less."""
    if found := words.find(f"label.{group}", words.folded(control.hint)):
        return _HINT_WEIGHT, found
    label = words.folded(control.label)
    if not control.is_near and (found := words.find(f"label.{group}", label)):
        return _LABEL_WEIGHT, found
    if words.has_group(f"name.{group}"):
        for identifier in control.identifiers:
            if found := words.find(f"name.{group}", identifier):
                return _IDENTIFIER_WEIGHT, found
    if control.is_near and (found := words.find(f"label.{group}", label)):
        return _NEAR_WEIGHT, found
    return None
