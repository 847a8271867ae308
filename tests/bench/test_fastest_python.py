"""Which of several Pythons is installed with. They are programs here that tell the times."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.fastest_python import fastest

Make = Callable[[str, str], str]


@pytest.fixture
def python(tmp_path: Path) -> Make:
    def make(name: str, does: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{does}\n", encoding="ascii")
        path.chmod(0o755)
        return str(path)

    return make


def test_a_much_faster_one_is_taken(python: Make) -> None:
    usual, fast = python("usual", "echo 0.20"), python("fast", "echo 0.12")
    assert fastest(usual, [fast]) == fast


def test_the_usual_one_is_kept_where_another_is_hardly_faster(python: Make) -> None:
    usual, other = python("usual", "echo 0.20"), python("other", "echo 0.18")
    assert fastest(usual, [other]) == usual


def test_one_that_is_too_old_or_makes_no_environment_is_not_taken(python: Make) -> None:
    usual, old = python("usual", "echo 0.20"), python("old", "exit 1")
    assert fastest(usual, [old, str(Path(usual).with_name("absent"))]) == usual
    assert fastest(old, [usual]) == usual


def test_where_none_will_do_the_usual_one_is_left_to_say_why(python: Make) -> None:
    old = python("old", "exit 1")
    assert fastest(old, [old]) == old


def test_a_real_one_is_asked_for_its_time() -> None:
    assert fastest(sys.executable, []) == sys.executable
