"""The people of the county who have accounts in the legacy systems. All of them, and their numbers, are made up."""

import secrets
import string
from dataclasses import dataclass

_PLAIN = string.ascii_letters + string.digits
# These break a body that is not encoded with care.
_SIGNS = "+&%=#!"


@dataclass(frozen=True)
class Person:
    """Every system calls a person by another of these."""

    name: str
    pinyin: str
    mobile: str
    number: str


CADRE = Person("王晓雯", "wangxw", "13900000001", "330999018")
STEWARD = Person("陈国强", "chengq", "13900000002", "330999027")
PEOPLE = (CADRE, STEWARD)


def new_password() -> str:
    """Sixteen characters, two of them signs."""
    letters = [secrets.choice(_PLAIN) for _ in range(14)]
    signs = [secrets.choice(_SIGNS) for _ in range(2)]
    return "".join([*letters[:5], signs[0], *letters[5:10], signs[1], *letters[10:]])
