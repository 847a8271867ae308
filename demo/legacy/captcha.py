"""A picture of four characters for people to read: a PNG (W3C PNG §5), made without an imaging library."""

import secrets
import struct
import zlib

_GLYPHS = {
    "2": ("01110", "10001", "00001", "00110", "01000", "10000", "11111"),
    "3": ("11110", "00001", "00001", "01110", "00001", "00001", "11110"),
    "4": ("00010", "00110", "01010", "10010", "11111", "00010", "00010"),
    "5": ("11111", "10000", "11110", "00001", "00001", "10001", "01110"),
    "6": ("00110", "01000", "10000", "11110", "10001", "10001", "01110"),
    "7": ("11111", "00001", "00010", "00100", "01000", "01000", "01000"),
    "9": ("01110", "10001", "10001", "01111", "00001", "00010", "01100"),
    "A": ("01110", "10001", "10001", "11111", "10001", "10001", "10001"),
    "C": ("01110", "10001", "10000", "10000", "10000", "10001", "01110"),
    "E": ("11111", "10000", "10000", "11110", "10000", "10000", "11111"),
    "F": ("11111", "10000", "10000", "11110", "10000", "10000", "10000"),
    "H": ("10001", "10001", "10001", "11111", "10001", "10001", "10001"),
    "K": ("10001", "10010", "10100", "11000", "10100", "10010", "10001"),
    "M": ("10001", "11011", "10101", "10101", "10001", "10001", "10001"),
    "P": ("11110", "10001", "10001", "11110", "10000", "10000", "10000"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
    "T": ("11111", "00100", "00100", "00100", "00100", "00100", "00100"),
    "X": ("10001", "10001", "01010", "00100", "01010", "10001", "10001"),
    "Y": ("10001", "10001", "01010", "00100", "00100", "00100", "00100"),
}
_LENGTH = 4
_WIDTH, _HEIGHT = 120, 40
_DOT = 4
_PAPER = (236, 240, 244)
_INK = (24, 52, 96)
_SPECKLES = 160

Colour = tuple[int, int, int]


def new_answer() -> str:
    """Four characters that are not easily mistaken for one another."""
    return "".join(secrets.choice(list(_GLYPHS)) for _ in range(_LENGTH))


def picture_of(answer: str) -> bytes:
    """The bytes of a PNG, 120 × 40 pixels."""
    rows = [[_PAPER] * _WIDTH for _ in range(_HEIGHT)]
    for _ in range(_SPECKLES):
        shade = 120 + secrets.randbelow(100)
        rows[secrets.randbelow(_HEIGHT)][secrets.randbelow(_WIDTH)] = (shade, shade, shade)
    for place, character in enumerate(answer):
        left = 6 + place * 28 + secrets.randbelow(5)
        _draw(rows, _GLYPHS[character], left, 2 + secrets.randbelow(_HEIGHT - 7 * _DOT - 4))
    return _png(rows)


def _draw(rows: list[list[Colour]], glyph: tuple[str, ...], left: int, top: int) -> None:
    slant = secrets.randbelow(3) - 1
    for y in range(7 * _DOT):
        for x in range(5 * _DOT):
            if glyph[y // _DOT][x // _DOT] == "1":
                across = left + x + slant * (3 * _DOT - y) // 6
                rows[top + y][max(0, min(_WIDTH - 1, across))] = _INK


def _png(rows: list[list[Colour]]) -> bytes:
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    # Every line starts with its filter: 0, none (§9).
    lines = b"".join(b"\0" + bytes(part for pixel in row for part in pixel) for row in rows)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
