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
        "\ufeffwangxm.zf",
        "\u200ewangxm.zf\u202c\u200b ",
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


@pytest.mark.parametrize(
    "name",
    [
        *(
            "王晓梅",
            "𬭎生",
            "李〇",
            "阿依古丽·买买提",
            "𠮷田",
            "\U0002ebf0生",
            "\U00030000生",
            "\U000323b0",
            "﨎",
            "王·a",
        ),
        "9·一",
    ],
)
def test_chinese_names_of_every_plane_may_be_user_names(name: str) -> None:
    """Case 13: the extensions of GB 18030-2022, the zero, the dot of minority names."""
    assert require_username(name) == name


@pytest.mark.parametrize("dot", list("·・･•‧∙⋅⸱⸳ꞏ\u0387"))
def test_every_dot_of_a_minority_name_is_one(dot: str) -> None:
    assert require_username(f"阿依古丽{dot}买买提") == "阿依古丽·买买提"


@pytest.mark.parametrize("zero", "〇○◯")
def test_every_zero_of_a_name_is_one(zero: str) -> None:
    assert require_username(f"李{zero}") == "李〇"


@pytest.mark.parametrize("twin", ["金", "\uf90a", "⾦"])
def test_a_compatible_character_is_the_one_it_stands_for(twin: str) -> None:
    assert require_username(twin) == "金"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("李❤", '"❤" (U+2764 HEAVY BLACK HEART)'),
        ("w\u0430ng", '"а" (U+0430 CYRILLIC SMALL LETTER A)'),
        ("王½", '"½" (U+00BD VULGAR FRACTION ONE HALF)'),
        ("wang xm", "U+0020 SPACE"),
        ("wang\u200bxm", "U+200B ZERO WIDTH SPACE"),
        ("王\U000e0100", "U+E0100 VARIATION SELECTOR-17"),
        ("カ王", '"カ" (U+30AB KATAKANA LETTER KA)'),
        ("·王", 'does not begin with "·" (U+00B7 MIDDLE DOT)'),
        ("a" * 65, "this one has 65"),
        ("a" + " " * 300 + "b", "this one has 302"),
        (" \ufeff", "it is empty"),
    ],
)
def test_a_refusal_names_the_character(name: str, said: str) -> None:
    with pytest.raises(SsoError) as refused:
        require_username(name)
    assert refused.value.code == "ERR-USERNAME"
    assert said in refused.value.detail


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_a_name_that_is_made_is_found_by_its_spelling_and_by_itself(text: str) -> None:
    try:
        name = require_username(text)
    except SsoError:
        return
    assert fold_username(text) == name == require_username(name)


@given(st.characters(exclude_categories=["Cs"]))
def test_a_look_alike_is_the_same_name_or_no_name(char: str) -> None:
    """Nobody takes another's name with a character that looks like one of its own: what is left of a character after
    folding is one of the few that a name may have, so two names that differ, differ in one of these."""
    try:
        name = require_username(f"王{char}")
    except SsoError:
        return
    assert all(fold_username(one) == one for one in name)
