"""What a password must be (等保 2.0 §8.1.4.1 a; facts: compliance)."""

import unicodedata

from sso.errors import SsoError

MIN_LENGTH = 8
MAX_LENGTH = 128
MIN_CLASSES = 3

_WEAK = frozenset(
    (
        "password",
        "passw0rd",
        "admin123",
        "administrator",
        "qwerty",
        "qwertyuiop",
        "1qaz2wsx",
        "1qaz@wsx",
        "zaq12wsx",
        "qazwsx",
        "abc123",
        "abcd1234",
        "a1b2c3d4",
        "iloveyou",
        "woaini",
        "woaini1314",
        "5201314",
        "1314520",
        "88888888",
        "66666666",
        "12345678",
        "123456789",
        "1234567890",
        "87654321",
        "11111111",
        "00000000",
        "letmein",
        "welcome",
        "zhejiang",
        "china123",
        "test1234",
        "root1234",
        "admin@123",
        "p@ssw0rd",
        "p@ssword",
    )
)
_WALKS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv")
_WALK_LENGTH = 6


def prepare(password: str) -> str:
    """The form that is hashed: OpaqueString of RFC 8265 §4.2 - NFC, other spaces as a space, nothing folded."""
    mapped = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    return unicodedata.normalize("NFC", mapped)


def require_strong(password: str, username: str) -> None:
    """Raises ERR-PASSWORD_POLICY with the first rule that fails, as a parameter people can be shown."""
    rule = _broken_rule(prepare(password), username)
    if rule is not None:
        raise SsoError("ERR-PASSWORD_POLICY", rule, parameters={"rule": rule})


def _broken_rule(password: str, username: str) -> str | None:
    folded = password.casefold()
    weak = folded in _WEAK or folded.rstrip("0123456789!@#.") in _WEAK or len(set(folded)) < 4 or _walks(folded)
    rules = {
        "short": len(password) < MIN_LENGTH,
        "long": len(password) > MAX_LENGTH,
        "control": any(unicodedata.category(char) == "Cc" for char in password),
        "classes": _classes(password) < MIN_CLASSES,
        "username": len(username) >= 3 and username.casefold() in folded,
        "weak": weak,
    }
    return next((rule for rule, broken in rules.items() if broken), None)


def _classes(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    return sum(any(test(char) for char in password) for test in tests)


def _walks(folded: str) -> bool:
    """True when a keyboard walk or an alphabet run makes up the better part of it."""
    for walk in (*_WALKS, *(walk[::-1] for walk in _WALKS)):
        for start in range(len(walk) - _WALK_LENGTH + 1):
            piece = walk[start : start + _WALK_LENGTH]
            if piece in folded and len(folded) - len(piece) < MIN_LENGTH - 2:
                return True
    return False
