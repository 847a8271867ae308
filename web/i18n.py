"""What people read, in their language: the locale catalogues and how a language is chosen.

Every text stands in `web/locales/<locale>.yaml` under a dotted key; both files have the same keys. zh-CN comes
first: it is the default, and what an unknown language gets.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEFAULT_LOCALE = "zh-CN"
LOCALES = (DEFAULT_LOCALE, "en")

_FOLDER = Path(__file__).parent / "locales"


class Catalogue:
    """The texts of one locale."""

    def __init__(self, locale: str, texts: Mapping[str, str]) -> None:
        self.locale = locale
        self._texts = dict(texts)

    def text(self, key: str, /, **parameters: object) -> str:
        """The text of `key` with its `{names}` filled in. A missing key is a mistake of ours: KeyError."""
        text = self._texts[key]
        return text.format(**parameters) if parameters else text

    def error(self, code: str, parameters: Mapping[str, str | int]) -> str:
        """The public text of an error; an unknown code, or parameters that do not fit, never break the answer.

        A parameter that is a word of ours (`rule: short`) is said in the reader's language (`terms.rule.short`).
        """
        text = self._texts.get(f"errors.{code}", self._texts["errors.unknown"])
        said = {name: self._texts.get(f"terms.{name}.{value}", value) for name, value in parameters.items()}
        try:
            return text.format(**said)
        except (KeyError, IndexError):
            return self._texts["errors.unknown"]

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    @property
    def keys(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(self._texts)


@cache
def catalogue(locale: str) -> Catalogue:
    with open(_FOLDER / f"{locale}.yaml", encoding="utf-8") as file:
        return Catalogue(locale, dict(_flatten(yaml.safe_load(file))))


def choose_locale(cookie: str | None, accept_language: str | None) -> str:
    """The cookie when it names a locale we have, else the best of Accept-Language (RFC 9110 §12.5.4), else zh-CN."""
    if cookie in LOCALES:
        return cookie
    for tag in _by_preference(accept_language or ""):
        primary = tag.split("-", 1)[0].lower()
        for locale in LOCALES:
            if locale.split("-", 1)[0].lower() == primary:
                return locale
    return DEFAULT_LOCALE


def _by_preference(header: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            weighted.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{key}.")
        else:
            yield key, str(value)
