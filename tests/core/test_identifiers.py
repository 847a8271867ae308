"""Identifiers sort in the order they were made, whatever the clock does."""

import os
import time
from itertools import pairwise

import pytest

from core import identifiers
from core.identifiers import new_id, new_token, token_digest


def test_identifiers_of_one_millisecond_sort_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(20_000)]
    assert all(earlier < later for earlier, later in pairwise(made))


def test_a_clock_set_back_does_not_change_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600 * 10**9)
    after = [new_id() for _ in range(100)]
    assert [before, *after] == sorted({before, *after})


@pytest.mark.parametrize("other", ["", "00000000000000000000000000", "2fffffffffffzzzzzzzzzzzzzz"])
def test_an_identifier_sorts_after_the_one_of_another_process(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "_ascending", identifiers._Ascending())
    first = new_id(after=other)
    assert other < first < new_id()


def test_a_forked_process_draws_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000 * 10**9)
    new_id()  # leaves randomness over
    made = [*_in_child(), *_in_child(), new_id()]
    assert len(set(made)) == len(made)


def _in_child() -> list[str]:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, " ".join([new_id(), new_id()]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 200).decode().split()


def test_an_identifier_is_26_characters_that_nobody_misreads() -> None:
    made = new_id()
    assert len(made) == 26
    assert not set(made) & set("ilou")


def test_what_is_kept_of_a_token_does_not_show_the_token() -> None:
    token = new_token()
    assert len(token) == 43
    assert token.encode() not in token_digest(token)
