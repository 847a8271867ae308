"""What a login page without a recipe may salt its hashes with: the short texts that stand in it.

They are only tried: a salt counts when hashing the dummy with it gives exactly what the page sends (see `recognise`).
Pages are hostile text, so the expressions are RE2's, whose cost is linear in it.
"""

import json
from collections.abc import Iterator
from typing import Any

import re2

_SCRIPT = re2.compile(rb"(?is)<script\b[^>]*>(.*?)</script>")
_LITERAL = re2.compile(rb"""(?:([\w$]+)["']?\s*[:=]\s*)?["']([\w+/=.:-]{2,64})["']""")
_FIELD = re2.compile(rb"(?i)<(?:input|meta)\b[^>]*>")
_VALUE = re2.compile(rb"""(?i)\b(?:value|content)\s*=\s*["']([\w+/=.:-]{2,64})["']""")
_TELLING = re2.compile(rb"(?i)salt|key|nonce|rand|seed|challenge|token|stamp|time|code|sid|yan")
_MOST = 40
# A login page is no larger; what is, is looked at as far as this.
_MOST_BYTES = 256 * 1024
_LONGEST, _MOST_OF_AN_ANSWER = 64, 20


def salts_in(page: bytes) -> dict[str, str]:
    """Likely ones first, under names of no meaning."""
    page = page[:_MOST_BYTES]
    found: list[tuple[bool, bytes]] = []
    for tag in _FIELD.findall(page):
        found += [(_TELLING.search(tag) is not None, value) for value in _VALUE.findall(tag)]
    for script in _SCRIPT.findall(page):
        found += [(_TELLING.search(name) is not None, value) for name, value in _LITERAL.findall(script)]
    found.sort(key=lambda one: not one[0])
    values = dict.fromkeys(value.decode("ascii", "replace") for _, value in found)
    return {f"page-{number}": value for number, value in enumerate(list(values)[:_MOST])}


def salts_in_answer(body: bytes) -> dict[str, str]:
    """The short texts of an answer that the page's script asked for: JSON, or a text alone."""
    try:
        texts = list(_texts(json.loads(body)))
    except (ValueError, RecursionError):
        texts = [body.decode("utf-8", "replace").strip()]
    short = [text for text in dict.fromkeys(texts) if 2 <= len(text) <= _LONGEST]
    return {f"answer-{text}": text for text in short[:_MOST_OF_AN_ANSWER]}


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, str | int) and not isinstance(document, bool):
        yield str(document)
    elif isinstance(document, dict):
        for value in document.values():
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)
