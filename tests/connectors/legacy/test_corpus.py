"""The score of detection on the corpus: printed, and with a floor. One page wrong is one page too many."""

import pytest

from connectors.legacy.page.detect import DetectedForm, Field, detect
from connectors.legacy.page.username_step import username_step
from tests.connectors.legacy.corpus import CASES, Case

URL = "http://a.test/page"


def _told(field: Field | None) -> str | None:
    return None if field is None else field.name or field.id or field.placeholder


def _found(case: Case) -> DetectedForm | None:
    found = detect(case.content, URL)
    return found if found is not None and found.password is not None else None


def _is_right(case: Case) -> bool:
    found = _found(case)
    if not case.is_login:
        return found is None
    return found is not None and (_told(found.username), _told(found.password)) == (case.username, case.password)


def test_the_corpus_means_something() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.is_login for case in CASES) >= 100
    assert sum(not case.is_login for case in CASES) >= 70


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_page_is_read_right(case: Case) -> None:
    found = _found(case)
    assert _is_right(case), found
    if found is not None:
        for role, name in case.others.items():
            assert name in [_told(one) for one in found.fields if one.role == role], found.fields
        assert case.submit is None or (found.submit is not None and found.submit.label == case.submit), found.submit
        assert case.tag is None or (found.submit is not None and found.submit.tag == case.tag), found.submit
    if case.step is not None:
        step = username_step(case.content, URL)
        assert step is not None
        assert _told(step.username) == case.step


def test_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    logins = [case for case in CASES if case.is_login]
    others = [case for case in CASES if not case.is_login]
    right, kept = sum(map(_is_right, logins)), sum(map(_is_right, others))
    with capsys.disabled():
        print(f"\ncorpus: {right} of {len(logins)} logins right, {kept} of {len(others)} other pages left alone")
    assert right >= 0.99 * len(logins)
    assert kept == len(others)
