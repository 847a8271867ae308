"""What meets foreign text runs in linear time: every pattern of the package, and the whole reading of a page."""

import ast
import gc
import importlib
import pkgutil
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import connectors.legacy
from connectors.legacy.outcome.judge import SignInResponse, judge
from connectors.legacy.page.detect import detect
from connectors.legacy.page.document import Document
from connectors.legacy.patterns import Pattern, PatternError
from tests.cpu import least_seconds

FOLDER = Path(connectors.legacy.__file__).parent
MODULES = [one.name for one in pkgutil.walk_packages(connectors.legacy.__path__, "connectors.legacy.")]


def _patterns() -> list[Pattern]:
    for name in MODULES:
        importlib.import_module(name)
    return [one for one in gc.get_objects() if type(one) is Pattern]


def test_no_module_has_expressions_of_another_kind() -> None:
    for file in FOLDER.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not (imported | named) & {"re", "regex", "sre_compile"}, file
    held = [
        (name, key)
        for name in MODULES
        for key, value in vars(importlib.import_module(name)).items()
        if isinstance(value, re.Pattern)
    ]
    assert held == []


def test_every_pattern_takes_time_as_its_text_is_long() -> None:
    """A square is sixteen times as much at four times the length."""
    patterns = _patterns()
    assert len(patterns) > 60
    pieces = ["a", "aB", "密", "<meta ", "<input type=", "alert('", ".a{", "location=", "登录 ", "error="]

    def cost(pattern: Pattern, length: int) -> float:
        texts = [piece * (length // len(piece)) for piece in pieces]

        def search() -> None:
            for text in texts:
                pattern.search(text)
                pattern.fullmatch(text)
                list(pattern.all(text, 50))

        return least_seconds(search)

    slow = {}
    for pattern in patterns:
        small, large = (min(cost(pattern, length) for _ in range(2)) for length in (4_000, 16_000))
        if large > 0.02 and large / max(small, 1e-6) > 10:
            slow[pattern.expression[:60]] = (small, large)
    assert slow == {}


@pytest.mark.parametrize("expression", [r"(?<=a)b", r"a(?=b)", r"(a)\1", "(", "a{5000}"])
def test_what_could_not_run_in_linear_time_is_no_pattern(expression: str) -> None:
    with pytest.raises(PatternError):
        Pattern(expression)


def test_lone_surrogates_are_text_as_well() -> None:
    assert Pattern("密码").search("\ud800密码") is not None


LOGIN = "<form action=/l method=post>用户名<input name=u>密码<input type=password name=p><button>登录</button></form>"
HOSTILE = {
    "inputs": LOGIN + "<input type=password>" * 100_000,
    "deep": LOGIN + "<div>" * 100_000,
    "formatting": "".join(f"<b id={number}>" for number in range(2000)) + "<p>x" * 400_000 + LOGIN,
    "forms": LOGIN * 18_000,
    "a long name": LOGIN.replace("name=u", 'name="' + "aB-" * 650_000 + '"'),
    "a long hint": LOGIN.replace("name=u", 'placeholder="' + "密 " * 500_000 + '"'),
    "tables": "<table>" * 250_000 + LOGIN,
    "options": LOGIN.replace("<button>", "<select name=org>" + "<option value=1>x" * 100_000 + "</select><button>"),
    "attributes": "<input " + " ".join(f"a{number}=1" for number in range(150_000)) + " type=password>" + LOGIN,
    "panels": "<div><input name=u><input type=password name=p><button>登录</button></div>" * 25_000,
}
_READ: dict[str, Callable[[bytes], object]] = {
    "detect": lambda page: detect(page, "http://a.test/"),
    "answer": lambda page: judge(None, SignInResponse(200, {"content-type": "text/html"}, "http://a.test/", page)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_of_two_megabytes_is_read_within_bounds(name: str) -> None:
    """Some hundreds of milliseconds; the bound leaves room for a busy machine."""
    page = HOSTILE[name].encode()
    spent = {}
    for way, read in _READ.items():
        started = time.process_time()
        read(page)
        spent[way] = time.process_time() - started
    assert max(spent.values()) < 3, spent


def test_a_page_nested_beyond_sense_is_refused_with_a_reason() -> None:
    found = detect(LOGIN + "<div>" * 100_000, "http://a.test/")
    assert found is not None
    assert (found.fields, found.frames) == ((), ())
    assert "nested" in found.why


def test_a_page_nested_as_pages_are_is_read() -> None:
    page = "<div>" * 120 + LOGIN + "</div>" * 120 + "<ul>" + "<li><a href=x><b>公文</b></a>" * 3000
    assert not Document(page).is_refused
    found = detect(page, "http://a.test/")
    assert found is not None
    assert found.password is not None
