"""What a person typed or pasted: the code that was meant, and the character that a refusal is about.

Input methods write full-width letters and digits, pages show codes in groups, and copying brings byte order marks and
other characters that nobody sees.
"""

import unicodedata

# Format characters, and every kind of space and dash.
_SEPARATORS = frozenset({"Cf", "Zs", "Zl", "Zp", "Pd"})
_MINUS = "\u2212"  # a mathematical sign, which keyboards for dashes write as well


def plain_code(text: str) -> str:
    """The letters, digits and signs of a code, without what groups or hides them; full-width ones, and digits of every
    script, as ASCII has them. Case stays."""
    kept = (_ascii_digit(char) for char in unicodedata.normalize("NFKC", text) if not _is_separator(char))
    # An accent that stood by itself stands on the letter before it now.
    return unicodedata.normalize("NFKC", "".join(kept))


def trimmed(text: str) -> str:
    """Without the white space around it, and what else nobody sees there."""
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while start < end and _is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def described(char: str) -> str:
    """The character as a refusal names it: `"ß" (U+00DF LATIN SMALL LETTER SHARP S)`. One that nobody sees has a number
    only."""
    name = unicodedata.name(char, "")
    number = f"U+{ord(char):04X}" + (f" {name}" if name else "")
    return f'"{char}" ({number})' if char.isprintable() and not char.isspace() else number


def _is_separator(char: str) -> bool:
    return char.isspace() or char == _MINUS or unicodedata.category(char) in _SEPARATORS


def _is_unseen(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"


def _ascii_digit(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)
