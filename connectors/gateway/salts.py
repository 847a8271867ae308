"""What a login page without a recipe may salt its hashes with: the short texts that stand in it.

They are only tried: a salt counts when hashing the dummy with it gives exactly what the page sends (see `recognise`).
"""

import re

_SCRIPT = re.compile(rb"<script\b[^>]*>(.*?)</script>", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(rb"""(?:([\w$]+)["']?\s*[:=]\s*)?["']([\w+/=.:-]{2,64})["']""")
_FIELD = re.compile(rb"<(?:input|meta)\b[^>]*>", re.IGNORECASE)
_VALUE = re.compile(rb"""\b(?:value|content)\s*=\s*["']([\w+/=.:-]{2,64})["']""", re.IGNORECASE)
_TELLING = re.compile(rb"salt|key|nonce|rand|seed|challenge|token|stamp|time|code|sid|yan", re.IGNORECASE)
_MOST = 40


def salts_in(page: bytes) -> dict[str, str]:
    """Likely ones first, under names of no meaning."""
    found: list[tuple[bool, bytes]] = []
    for tag in _FIELD.findall(page):
        found += [(_TELLING.search(tag) is not None, value) for value in _VALUE.findall(tag)]
    for script in _SCRIPT.findall(page):
        found += [(_TELLING.search(name) is not None, value) for name, value in _LITERAL.findall(script)]
    found.sort(key=lambda one: not one[0])
    values = dict.fromkeys(value.decode("ascii", "replace") for _, value in found)
    return {f"page-{number}": value for number, value in enumerate(list(values)[:_MOST])}
