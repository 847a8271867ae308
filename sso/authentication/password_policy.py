"""What a password must be (等保 2.0 §8.1.4.1 a), in rules that can be told to the person who breaks one."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sso.errors import SsoError
from sso.names import fold_username

MIN_LENGTH = 8
MAX_LENGTH = 128
MIN_CLASSES = 3

# How many characters must be left when everything that guessing programs try first is taken out.
_MIN_UNGUESSED = 4
_MIN_PART = 4
# `Aa1!aaaa` has every class of character, and little else.
_MIN_DISTINCT = 5
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()")
_COLUMNS = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "1qaz2wsx3edc4rfv", "qazwsxedc")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_REPEATED = re.compile(r"(.)\1{2,}")
_LOOKALIKES = str.maketrans("@01345$7!", "aoieastsi", "")


def prepare(password: str) -> str:
    """The form that is hashed: OpaqueString of RFC 8265 §4.2 - NFC, other spaces as a space, nothing folded."""
    mapped = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    return unicodedata.normalize("NFC", mapped)


def require_strong(password: str, username: str) -> None:
    """Raises ERR-PASSWORD_POLICY with the first rule that fails, as a parameter people can be shown."""
    rule = _broken_rule(prepare(password), fold_username(username))
    if rule is not None:
        raise SsoError("ERR-PASSWORD_POLICY", rule, parameters={"rule": rule})


def _broken_rule(password: str, username: str) -> str | None:
    return next((name for name, breaks in RULES if breaks(password, username)), None)


def _classes(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    return sum(any(test(char) for char in password) for test in tests)


def _parts(username: str) -> list[str]:
    """The whole user name, and those of its parts that are long enough to mean something."""
    parts = [part for part in re.split(r"[_.@+·-]", username) if len(part) >= _MIN_PART]
    return [*parts, username] if len(username) > 1 else parts


def _unguessed(folded: str) -> int:
    """How many characters remain without common words, keyboard walks, years and repetitions."""
    if len(set(folded)) < _MIN_DISTINCT:
        return 0
    rest = _YEAR.sub("", _REPEATED.sub(r"\1", folded))
    for piece in _guessed_first():
        rest = rest.replace(piece, "")
    plain = rest.translate(_LOOKALIKES)
    for piece in _guessed_first():
        plain = plain.replace(piece, "")
    return min(len(rest), len(plain))


@cache
def _guessed_first() -> tuple[str, ...]:
    """Words and walks, longest first."""
    words = (Path(__file__).parent / "weak_passwords.txt").read_text(encoding="utf-8").split()
    walks = {
        row[start : start + length]
        for line in (*_ROWS, *_COLUMNS)
        for row in (line, line[::-1])
        for length in range(_MIN_PART - (line.isdigit()), len(line) + 1)
        for start in range(len(line) - length + 1)
    }
    return tuple(sorted(walks.union(words), key=lambda piece: (-len(piece), piece)))


# In the order in which people are told.
RULES: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("short", lambda password, _: len(password) < MIN_LENGTH),
    ("long", lambda password, _: len(password) > MAX_LENGTH),
    ("control", lambda password, _: any(unicodedata.category(char) in ("Cc", "Cs") for char in password)),
    ("classes", lambda password, _: _classes(password) < MIN_CLASSES),
    ("username", lambda password, username: any(part in password.casefold() for part in _parts(username))),
    ("weak", lambda password, _: _unguessed(password.casefold()) < _MIN_UNGUESSED),
)
