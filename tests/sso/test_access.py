import dataclasses

import pytest

from sso.access import AccessRule, permits
from sso.directory.roles import Role
from sso.directory.users import User

WANG = User(
    "u1", "wangxm.zf", "王晓梅", "active", frozenset({Role.CADRE}), organisations=frozenset({"qx-xt-lx", "qx-xt", "qx"})
)


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        (AccessRule(), True),
        (AccessRule(users=frozenset({"wangxm.zf"})), True),
        (AccessRule(users=frozenset({"ＷangXM.zf"})), True),
        (AccessRule(users=frozenset({"liu"})), False),
        (AccessRule(organisations=frozenset({"qx-xt"})), True),
        (AccessRule(organisations=frozenset({"qx-xt-dz"})), False),
        (AccessRule(roles=frozenset({"cadre"})), True),
        (AccessRule(roles=frozenset({"steward"})), False),
        (AccessRule(users=frozenset({"liu"}), roles=frozenset({"cadre"})), True),
    ],
)
def test_each_member_of_a_rule_widens_it(rule: AccessRule, passes: bool) -> None:
    assert permits(WANG, rule) is passes


def test_a_disabled_person_passes_no_rule() -> None:
    disabled = dataclasses.replace(WANG, status="disabled")
    assert not permits(disabled, AccessRule())
    assert not permits(disabled, AccessRule(users=frozenset({"wangxm.zf"})))


def test_an_unknown_member_of_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="extra"):
        AccessRule.model_validate({"user": ["wangxm.zf"]})
