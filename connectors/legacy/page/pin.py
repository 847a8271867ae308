"""A PIN that is all the password a form has. A USB key's or a card's is the person's, and never kept (DESIGN §4.18)."""

from collections.abc import Sequence

from connectors.legacy.page import words
from connectors.legacy.page.controls import Control
from connectors.legacy.page.roles import Guess

PIN = Guess("password", "a PIN, and no other secret is asked for", 0.7, "pin")


def pin_of(typed: Sequence[Control]) -> Control | None:
    """The only password field, where people read that it is for a PIN and no more."""
    if len(typed) != 1 or typed[0].hidden:
        return None
    read = [one for one in (words.folded(typed[0].label), words.folded(typed[0].hint)) if one]
    return typed[0] if read and all(words.says_only("label.bare_pin", one) for one in read) else None
