"""The masks of the staff-user specification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.masking import mask


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812346621", "138****6621"),
        ("330999198805121234", "3****************4"),
        ("33099919880512123X", "3****************X"),
        ("6222021202001234567", "622202*********4567"),
        ("0574-87654321", "0574-****4321"),
        ("02187654321", "021-****4321"),
        ("wangxw@qx.gov.cn", "wan***@qx.gov.cn"),
        ("wangxw", "wa**xw"),
        ("王晓雯", "王*雯"),
        ("王", "*"),
        ("", ""),
    ],
)
def test_a_value_is_masked_by_its_form(value: str, shown: str) -> None:
    assert mask(value) == shown


@given(st.text(min_size=1, max_size=40))
def test_no_value_is_shown_whole(value: str) -> None:
    assert mask(value) != value or set(value) == {"*"}
