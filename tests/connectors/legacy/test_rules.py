"""Every row of words and every rule decides something: switched off, at least one page of the corpus is read otherwise.

A row or a rule that decides nothing is removed, or gets the page it is for.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.legacy.page import rules, words
from connectors.legacy.page.detect import detect
from connectors.legacy.page.username_step import username_step
from connectors.legacy.patterns import Pattern
from tests.connectors.legacy.corpus import CASES
from tests.connectors.legacy.pages import PAGES

URL = "http://a.test/page"
_PAGES: Mapping[str, tuple[bytes, str | None, str]] = {
    **{case.name: (case.content, None, URL) for case in CASES},
    **{page.name: (page.content, page.http, page.url) for page in PAGES},
}
_ROWS = [(group, row) for group, table in words.rows().items() for row in table]


def _reading(name: str) -> Any:
    """What matters of a reading: which field is what, and what is pressed."""
    content, charset, url = _PAGES[name]
    found = detect(content, url, charset)
    step = username_step(content, url, charset)
    if found is None:
        return None, step is not None
    fields = [(one.selector, one.role) for one in found.fields]
    return fields, found.submit and found.submit.selector, found.is_unseen, step is not None


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    return {name: _reading(name) for name in _PAGES}


@pytest.fixture(scope="module")
def asked() -> dict[str, set[tuple[str, str]]]:
    """Which texts each page asks which group about, where the group has an answer."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in _PAGES}
    original = words._GROUPS

    class Noting:
        def __init__(self, group: str, name: str) -> None:
            self._group, self._name = group, name

        def search(self, text: str) -> Any:
            match = original[self._group].search(text)
            if match is not None:
                found[self._name].add((self._group, text))
            return match

        def fullmatch(self, text: str) -> Any:
            match = original[self._group].fullmatch(text)
            if match is not None:
                found[self._name].add((self._group, text))
            return match

    with pytest.MonkeyPatch.context() as patch:
        for name in _PAGES:
            patch.setattr(words, "_GROUPS", {group: Noting(group, name) for group in original})
            _reading(name)
    return found


@pytest.mark.parametrize(("group", "row"), _ROWS, ids=[f"{group}:{row}" for group, row in _ROWS])
def test_every_row_of_words_decides_a_page(
    group: str,
    row: str,
    usual: dict[str, Any],
    asked: dict[str, set[tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = words.rows()[group]
    one = Pattern(table[row])
    pages = [name for name, texts in asked.items() if any(of == group and one.search(text) for of, text in texts)]
    rest = {other: expression for other, expression in table.items() if other != row}
    nothing = Pattern(r"[^\s\S]")
    monkeypatch.setitem(words._GROUPS, group, words.compiled(rest) if rest else nothing)
    assert any(_reading(name) != usual[name] for name in pages), f"asked by {pages[:5]}"


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name)
def test_every_rule_decides_a_page(rule: rules.Rule, usual: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES", tuple(one for one in rules.RULES if one is not rule))
    assert any(_reading(name) != usual[name] for name in _PAGES)
