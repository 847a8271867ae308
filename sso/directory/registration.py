"""What is said about a person when they are entered or changed, checked before anything is written."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sso.directory.posts import Post
from sso.directory.roles import require_compatible
from sso.errors import SsoError
from sso.names import require_username
from sso.typed import described, plain_code, trimmed

STATUSES = ("active", "disabled")

# A short number of the county's telephone network (短号).
_SHORT_NUMBER = re.compile(r"[0-9]{3,8}\Z")
# Control and format characters, half characters and lines. A character that is newer than ours is a name's own.
_UNWRITABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LENGTHS = {"name": 50, "title": 50, "employee_number": 64, "email": 254}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+\Z")
_MOBILE = re.compile(r"(?:\+?86)?(1[0-9]{10})\Z")
_ID_CARD = re.compile(r"[0-9]{17}[0-9X]\Z")
# GB 11643-1999 §4: weights of the first seventeen digits, and the check character of each remainder.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


@dataclass(frozen=True)
class UserRegistration:
    """What an upsert says about a person. Of the sealed fields, None leaves it as it is and "" removes it."""

    username: str
    name: str
    roles: Sequence[str] = ("cadre",)
    posts: tuple[Post, ...] = ()
    email: str | None = None
    mobile: str | None = field(default=None, repr=False)
    second_mobile: str | None = field(default=None, repr=False)
    id_card: str | None = field(default=None, repr=False)
    employee_number: str | None = None
    title: str | None = None
    short_number: str | None = None
    status: str = "active"
    must_change_password: bool | None = None


def checked(registration: UserRegistration) -> UserRegistration:
    """The registration in its canonical form. Raises ERR-USERNAME, ERR-ROLES or ERR-USER; never shows a value."""
    canonical = replace(
        registration,
        username=require_username(registration.username),
        roles=tuple(sorted(require_compatible(registration.roles))),
        name=_text(registration.name) or "",
        title=_text(registration.title),
        employee_number=_text(registration.employee_number),
        email=_text(registration.email),
        short_number=_text(registration.short_number),
        mobile=canonical_mobile(registration.mobile) if registration.mobile else registration.mobile,
        second_mobile=(
            canonical_mobile(registration.second_mobile) if registration.second_mobile else registration.second_mobile
        ),
        id_card=canonical_id_card(registration.id_card) if registration.id_card else registration.id_card,
    )
    if not canonical.name:
        raise SsoError("ERR-USER", f"{canonical.username}: the name is missing", parameters={"field": "name"})
    if canonical.email is not None and not _EMAIL.match(canonical.email):
        raise SsoError("ERR-USER", f"{canonical.username}: not an e-mail address", parameters={"field": "email"})
    if canonical.short_number is not None and not _SHORT_NUMBER.match(canonical.short_number):
        raise SsoError(
            "ERR-USER", f"{canonical.username}: a short number has 3-8 digits", parameters={"field": "short_number"}
        )
    if canonical.status not in STATUSES:
        raise SsoError("ERR-USER", f"{canonical.username}: no such status", parameters={"field": "status"})
    for name, longest in _LENGTHS.items():
        value = getattr(canonical, name)
        if value is not None and (problem := _problem(value, longest)):
            raise SsoError("ERR-USER", f"{canonical.username}: {name} {problem}", parameters={"field": name})
    return canonical


def _problem(value: str, longest: int) -> str | None:
    unfit = next((char for char in value if unicodedata.category(char) in _UNWRITABLE), None)
    if unfit is not None:
        return f"has {described(unfit)}"
    return f"has at most {longest} characters" if len(value) > longest else None


def canonical_mobile(value: str) -> str:
    """Eleven digits. Raises ERR-USER."""
    match = _MOBILE.match(plain_code(value))
    if match is None:
        raise SsoError("ERR-USER", "a mobile number has eleven digits", parameters={"field": "mobile"})
    return match[1]


def canonical_id_card(value: str) -> str:
    """Seventeen digits and the check character that belongs to them (GB 11643). Raises ERR-USER."""
    number = plain_code(value).upper()
    if _ID_CARD.match(number):
        total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
        if _CHECK_CHARACTERS[total % 11] == number[17]:
            return number
    raise SsoError("ERR-USER", "not an ID card number", parameters={"field": "id_card"})


def _text(value: str | None) -> str | None:
    return (trimmed(unicodedata.normalize("NFC", value)) or None) if value is not None else None
