"""How programs write a text: the rows of parts that match it, character by character, or as bytes in one coding.

A row that goes character by character takes every character in any of its writings, so a mixture of them is found.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from html.entities import html5

from connectors.gateway.answers.expression import (
    Part,
    Row,
    any_case,
    cased,
    either,
    gap,
    literal,
    one_of,
    optional,
    repeated,
    sequence,
    words,
)

# A longer text is looked for in pieces of at least so many characters, and escapes inside of escapes are not followed:
# of one that repeats itself, too many states would be possible at once.
LONGEST_SPELLED = 32
_PIECE = 16
# No person types a longer one. Of a cipher, letters and digits are looked for as they are.
_LONGEST_TYPED = 128
_LONGEST = 4096
# Digits that stand in a column are no number that was wrapped.
_SHORTEST_WRAPPED = 8
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LETTERS_AND_DIGITS = frozenset(map(chr, _ALPHABET[:62]))
_ESCAPE_LETTERS = {"\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f"}
# What JSON, scripts or SQL escape before HTML or an address is made of it: a backslash may stand before.
_ESCAPED_FIRST = frozenset("\"'\\/")

# A percent sign encoded again and again; backslashes of several levels of quoting; an ampersand escaped twice.
_PERCENT = sequence([literal(b"%"), repeated(literal(b"25"), 0, 2)])
_PERCENT_OR_EQUALS = either([_PERCENT, literal(b"=")])
_BACKSLASH = either(
    [repeated(literal(b"\\"), 1, 4), sequence([literal(b"%"), optional(literal(b"25")), any_case(b"5c")])]
)
_BACKSLASHES = repeated(literal(b"\\"), 0, 7)
_AMPERSAND = either(
    [
        sequence([literal(b"&"), repeated(literal(b"amp;"), 0, 2)]),
        literal(b"%26"),
        sequence([repeated(literal(b"\\"), 1, 2), either([literal(b"u00"), literal(b"x")]), literal(b"26")]),
    ]
)
_HASH = either([literal(b"#"), literal(b"%23")])
_SEMICOLON = optional(either([literal(b";"), any_case(b"%3b")]))
_ZEROS = repeated(literal(b"0"), 0, 5)
_LINE = sequence([optional(literal(b"\r")), literal(b"\n")])
# RFC 2045 §6.7 (5): a soft line break.
_SOFT_BREAK = gap(optional(sequence([literal(b"="), _LINE])))
_BREAK = gap(
    optional(
        either(
            [
                sequence([optional(literal(b"=")), _LINE, repeated(one_of(b" \t"), 0, 2)]),
                sequence([optional(literal(b"\\r")), literal(b"\\n")]),
                sequence(
                    [
                        literal(b"<"),
                        optional(literal(b"w")),
                        literal(b"br"),
                        optional(literal(b" ")),
                        optional(literal(b"/")),
                        literal(b">"),
                    ]
                ),
            ]
        )
    )
)
# RFC 2045 §6.8 breaks base64 between groups of four digits, others where a line is full; JSON writes the break with
# letters.
_BASE64_BREAK = gap(repeated(either([one_of(b"\r\n"), sequence([literal(b"\\"), one_of(b"rn")])]), 0, 2))
_HEX_GAP = gap(sequence([repeated(one_of(b" :,-"), 0, 2), optional(literal(b"0x"))]))
_LIST_GAP = gap(sequence([one_of(b", "), optional(literal(b" "))]))


def rows(text: str, charsets: Sequence[str]) -> Iterator[Row]:
    """Every way to write `text`: an occurrence is what one row matches from its first part to its last."""
    if len(text) > LONGEST_SPELLED:
        yield from _in_pieces(text[: _LONGEST if text.isascii() else _LONGEST_TYPED], charsets)
        return
    line_break = _BREAK if len(text) >= _SHORTEST_WRAPPED else _SOFT_BREAK
    spelled = {one: _character(one, charsets) for one in set(text)}
    yield _joined([spelled[one] for one in text], line_break)
    for coded in _codings(text, charsets):
        yield _joined([_HEX[value] for value in coded], _HEX_GAP)
        yield _joined([_SIGNED[value] for value in coded], _LIST_GAP)
    if not text.isascii():
        yield _joined([words({b"%d" % unit}) for unit in _utf16(text)], _LIST_GAP)
    for coding in ("utf-16-le", "utf-16-be"):
        units = {one: _utf16_unit(one, coding) for one in set(text)}
        yield [units[one] for one in text]
        yield [_HEX[value] for value in text.encode(coding)]
    for coded in (*_codings(text, charsets), text.encode("utf-16-le")):
        yield from _in_base64(coded)


def _in_pieces(text: str, charsets: Sequence[str]) -> Iterator[Row]:
    """Each piece is an occurrence by itself; equal ones are looked for once. In hexadecimal and base64 it is looked for
    in the first charset only."""
    is_typed = len(text) <= _LONGEST_TYPED
    escaped = {
        one: _plain(one) if one in _LETTERS_AND_DIGITS and not is_typed else _once_escaped(one, charsets)
        for one in set(text)
    }
    for piece in _pieces(text):
        yield _joined([escaped[one] for one in piece], _BREAK)
        if is_typed:
            coded = piece.encode(charsets[0], "replace")
            yield [_HEX[value] for value in coded]
            # The digit at a seam belongs to both pieces: found with one, it would hide the other.
            yield from (_inner(row) for row in _in_base64(coded))


def _pieces(text: str) -> list[str]:
    starts = range(0, len(text) - _PIECE + 1, _PIECE)
    ends = [*starts[1:], len(text)]
    return list(dict.fromkeys(text[start:end] for start, end in zip(starts, ends, strict=True)))


def _codings(text: str, charsets: Sequence[str]) -> list[bytes]:
    return sorted({text.encode(charset, "replace") for charset in charsets})


def _joined(parts: Sequence[Part], between: Part) -> Row:
    row = [part for one in parts for part in (one, between)]
    return row[:-1]


def _plain(character: str) -> Part:
    return one_of((ord(character), *cased(ord(character))))


# One character


def _character(character: str, charsets: Sequence[str]) -> Part:
    return _ASCII[character] if character.isascii() else _beyond_ascii(character, charsets)


def _ascii(character: str) -> Part:
    """The character in any writing; in either case, for there are systems that echo in capitals."""
    code = ord(character)
    hexadecimal = either([any_case(b"%02x" % ord(one)) for one in sorted(_cases(character))])
    octal = words({b"%03o" % ord(one) for one in _cases(character)} | ({b"%o" % code} if code < 0o100 else set()))
    numbered = sequence(
        [
            either([literal(b"x"), literal(b"u00"), literal(b"U000000"), sequence([literal(b"u{"), _ZEROS])]),
            hexadecimal,
            optional(literal(b"}")),
        ]
    )
    escapes = [numbered, octal]
    if character in _ESCAPE_LETTERS:
        escapes.append(literal(_ESCAPE_LETTERS[character]))
    writings = [
        _plain(character),
        sequence([_PERCENT_OR_EQUALS, optional(literal(b"u00")), hexadecimal]),
        sequence([_BACKSLASH, either(escapes)]),
        _entity(character),
    ]
    if character == " ":
        writings += [literal(b"+"), sequence([_AMPERSAND, literal(b"nbsp"), _SEMICOLON])]
    if character in "\"'":
        writings.append(literal(character.encode() * 2))
    if character in _ESCAPED_FIRST:
        return sequence([optional(either([_BACKSLASHES, _BACKSLASH])), either(writings)])
    if not character.isalnum():
        writings.append(sequence([_BACKSLASH, literal(character.encode())]))
    return either(writings)


def _beyond_ascii(character: str, charsets: Sequence[str]) -> Part:
    """`\\uXXXX`, with a pair of them beyond the first plane, `\\u{X}`, `\\UXXXXXXXX`, `%uXXXX`, entities, and its bytes
    in each charset that has the character."""
    cases = sorted(_cases(character))
    writings = [_entity(character)]
    for one in cases:
        units = [any_case(b"u%04x" % unit) for unit in _utf16(one)]
        sign = either([_BACKSLASH, _PERCENT])
        writings.append(sequence([part for unit in units for part in (sign, unit)]))
        braced = sequence([literal(b"u{"), _ZEROS, any_case(b"%x" % ord(one)), literal(b"}")])
        writings.append(sequence([_BACKSLASH, either([braced, any_case(b"U%08x" % ord(one))])]))
    for coded in sorted({one.encode(charset, "replace") for charset in charsets for one in cases} - {b"?"}):
        writings.append(sequence(_joined([_BYTES[value] for value in coded], _SOFT_BREAK)))
    return either(writings)


def _once_escaped(character: str, charsets: Sequence[str]) -> Part:
    """As addresses, JSON and HTML write it, not one inside of the other."""
    code = ord(character)
    codings = sorted({one.encode(charset, "replace") for charset in charsets for one in _cases(character)})
    writings = [words(codings)]
    hexadecimal = [[sequence([_PERCENT_OR_EQUALS, _HEX[value]]) for value in coded] for coded in codings]
    writings += [sequence(_joined(octets, _SOFT_BREAK)) for octets in hexadecimal]
    writings.append(
        sequence([part for unit in _utf16(character) for part in (literal(b"\\"), any_case(b"u%04x" % unit))])
    )
    writings.append(sequence([literal(b"&#"), words({b"%d" % code, b"x%x" % code, b"x%X" % code}), literal(b";")]))
    writings += [literal(b"&" + name + b";") for name in _NAMES.get(character, ())]
    if character.isascii() and character not in _LETTERS_AND_DIGITS:
        writings.append(sequence([repeated(literal(b"\\"), 1, 3), literal(character.encode())]))
    return either(writings)


def _byte(value: int) -> Part:
    """A byte as it is, or as addresses, quoted-printable text and scripts write bytes."""
    escaped = either([any_case(b"x%02x" % value), literal(b"%03o" % value)])
    return either([one_of((value,)), sequence([_PERCENT_OR_EQUALS, _HEX[value]]), sequence([_BACKSLASH, escaped])])


def _entity(character: str) -> Part:
    codes = sorted(ord(one) for one in _cases(character))
    number = either(
        [
            sequence([_ZEROS, words({b"%d" % code for code in codes})]),
            sequence([one_of(b"xX"), _ZEROS, either([any_case(b"%x" % code) for code in codes])]),
        ]
    )
    names = [literal(name) for one in _cases(character) for name in _NAMES.get(one, ())]
    return sequence([_AMPERSAND, either([sequence([_HASH, number]), *names]), _SEMICOLON])


def _cases(character: str) -> set[str]:
    return {one for one in (character, character.lower(), character.upper()) if len(one) == 1}


def _utf16_unit(character: str, coding: str) -> Part:
    return words({one.encode(coding) for one in _cases(character)})


def _utf16(text: str) -> list[int]:
    coded = text.encode("utf-16-be")
    return [int.from_bytes(coded[at : at + 2]) for at in range(0, len(coded), 2)]


# A row of bytes


def _in_base64(coded: bytes) -> Iterator[Row]:
    """In either alphabet, beginning at each of the three places of a group."""
    for before in range(3):
        bits = "?" * (8 * before % 6) + "".join(f"{value:08b}" for value in coded)
        bits += "?" * (-len(bits) % 6)
        row: Row = []
        for index in range(0, len(bits), 6):
            if row:
                row.append(_BASE64_BREAK)
            row.append(_base64_digit(bits[index : index + 6]))
        yield [*row, _BASE64_PADDING]


def _inner(row: Row) -> Row:
    return row[1:-2]


@lru_cache(maxsize=4096)
def _base64_digit(bits: str) -> Part:
    """The digit of six bits, of which those at the ends may be a neighbour's and are then free. The signs of RFC 4648
    §4 and §5 are taken alike, and escaped."""
    values = [value for value in range(64) if all(b in ("?", v) for b, v in zip(bits, f"{value:06b}", strict=True))]
    digits = {_ALPHABET[value] for value in values}
    signs = digits & {0x2B, 0x2F}
    urls = {{0x2B: 0x2D, 0x2F: 0x5F}[sign] for sign in signs}
    return either([one_of(digits | urls), *(_BASE64_SIGNS[sign] for sign in sorted(signs))])


_BASE64_PADDING = repeated(either([literal(b"="), any_case(b"%3d")]), 0, 2)
_BASE64_SIGNS = {
    0x2B: either([sequence([_PERCENT, any_case(b"2b")]), any_case(b"\\u002b"), literal(b"&#43;"), any_case(b"&#x2b;")]),
    0x2F: either(
        [
            sequence([_PERCENT, any_case(b"2f")]),
            sequence([repeated(literal(b"\\"), 1, 3), literal(b"/")]),
            any_case(b"\\u002f"),
            literal(b"&#47;"),
            any_case(b"&#x2f;"),
        ]
    ),
}
_NAMES: dict[str, list[bytes]] = {}
for _name, _text in sorted(html5.items()):
    if _name.endswith(";") and len(_text) == 1:
        _NAMES.setdefault(_text, []).append(_name[:-1].encode())
_HEX = [any_case(b"%02x" % value) for value in range(256)]
# Java writes bytes with a sign.
_SIGNED = [words({b"%d" % value, b"%d" % (value - 256 * (value > 127))}) for value in range(256)]
_BYTES = [_byte(value) for value in range(256)]
_ASCII = {chr(code): _ascii(chr(code)) for code in range(128)}
