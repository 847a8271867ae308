"""Input methods give full-width letters as a matter of course, so every spelling is one account (CVE-2026-47203)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.errors import SsoError
from sso.names import fold_username, require_username


@pytest.mark.parametrize(
    "typed",
    [
        "wangxm.zf",
        "WANGXM.ZF",
        "  wangxm.zf ",
        "ｗａｎｇｘｍ．ｚｆ",
        "ＷangXm.zf\u3000",
        "wangxm\uff0ezf",
        "\u00a0wangxm.zf\t",
    ],
)
def test_every_spelling_of_a_user_name_is_one_account(typed: str) -> None:
    assert fold_username(typed) == "wangxm.zf"


@given(st.text(max_size=300))
def test_folding_a_folded_name_changes_nothing(text: str) -> None:
    folded = fold_username(text)
    assert fold_username(folded) == folded


@pytest.mark.parametrize(
    "name",
    ["", " ", ".wang", "wang xm", "wang/xm", "wang\nxm", "a" * 65, "wang\u200bxm", "<wang>", "w\u0430ng", "wang\0"],
)
def test_a_name_that_nobody_can_have_is_refused(name: str) -> None:
    with pytest.raises(SsoError, match="ERR-USERNAME"):
        require_username(name)


def test_chinese_names_may_be_user_names() -> None:
    assert require_username("王晓梅") == "王晓梅"
