"""The county file of the demo: what `yimen apply` is told. Every secret in it is made anew at each start."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from demo.legacy.system import LegacySystem
from demo.people import CADRE, ORGANISATIONS, PEOPLE, STEWARD, VILLAGE, Person

# Who runs which system, where it stands in the portal, and its English name.
_PLACES = {
    "zhihui": ("qx-mz", "民生服务", "Palm Services"),
    "wenhua": ("qx-wh", "文化教育", "Culture Hall"),
    "nongjia": ("qx-wh", "文化教育", "Farm Library"),
    "jingzhong": ("qx-ga", "平安建设", "Alarm Bell"),
    "nongfang": ("qx-jj", "民生服务", "Rural Housing"),
    "zhiyuan": ("qx-mz", "民生服务", "Volunteers"),
    "danan": ("qx-da", "政务办公", "Archive"),
}
# The village's one account, which the organisation keeps for whoever holds a post there.
CUSTODY = "nongfang"
_BASIC = "zhiyuan"


@dataclass(frozen=True)
class Federated:
    """A client of the county: where it stands, and what it is registered with."""

    slug: str
    title: str
    english: str
    owner: str
    category: str
    origin: str
    client: Mapping[str, Any] = field(repr=False)


def new_password() -> str:
    """Random, with every kind of character that the policy asks for."""
    return f"{secrets.token_urlsafe(9)}-{secrets.choice('23456789')}aQ"


def describe(
    legacy: Sequence[LegacySystem], federated: Sequence[Federated], passwords: Mapping[str, str]
) -> dict[str, Any]:
    """The document of `yimen apply` (docs/apply.md). `passwords` are those of Yimen itself, by user name."""
    return {
        "version": 1,
        "organisations": [_organisation(row) for row in ORGANISATIONS],
        "users": [_user(person, passwords[person.username]) for person in PEOPLE],
        "clients": [dict(one.client) for one in federated],
        "recipes": [recipe for system in legacy if (recipe := _recipe(system)) is not None],
        "systems": [*map(_federated_system, federated), *map(_legacy_system, legacy), _unreachable()],
        "items": [_item(system, person) for system in legacy for person in (CADRE, STEWARD) if _keeps(system, person)],
    }


def _organisation(row: tuple[str, str, str, str, str | None, str | None]) -> dict[str, Any]:
    return dict(zip(("id", "name", "kind", "level", "code", "parent"), row, strict=True))


def _user(person: Person, password: str) -> dict[str, Any]:
    return {
        "username": person.username,
        "name": person.name,
        "password": password,
        "totp": "off",
        "roles": [person.role],
        "posts": [{"organisation": person.organisation, "title": person.title, "main": True}],
        "email": f"{person.username}@qingxi.example",
    }


def _recipe(system: LegacySystem) -> dict[str, Any] | None:
    if system.recipe is None:
        return None
    content: dict[str, Any] = yaml.safe_load(system.recipe)
    return content


def _federated_system(one: Federated) -> dict[str, Any]:
    return {
        "slug": one.slug,
        "name": {"zh": one.title, "en": one.english},
        "owner": one.owner,
        "category": one.category,
        "level": "村",
        "way_in": [{"kind": "oidc"}],
        "client_id": one.client["client_id"],
        "initiate_login_uri": f"{one.origin}/login",
    }


def _legacy_system(system: LegacySystem) -> dict[str, Any]:
    owner, category, english = _PLACES[system.slug]
    recipe = _recipe(system)
    return {
        "slug": system.slug,
        "name": {"zh": system.title, "en": english},
        "description": system.quirk,
        "owner": owner,
        "category": category,
        "level": "村",
        "way_in": [{"kind": "basic" if system.slug == _BASIC else "gateway"}],
        "upstream": system.origin,
        "login_path": system.login_path,
        "http_approved_by": "zhouan",
        "recipe": recipe["id"] if recipe else None,
    }


def _unreachable() -> dict[str, Any]:
    return {
        "slug": "fanzha",
        "name": {"zh": "反诈宣传", "en": "Anti-Fraud App"},
        "owner": "qx-ga",
        "category": "平安建设",
        "level": "村",
        "way_in": [{"kind": "none", "reason": "只有手机应用，没有网页登录"}],
    }


def _keeps(system: LegacySystem, person: Person) -> bool:
    """The steward keeps one account of their own; the rest they may add themselves."""
    return person is CADRE or system.slug == "zhihui"


def _item(system: LegacySystem, person: Person) -> dict[str, Any]:
    assert person.legacy is not None
    login = system.login_of(person.legacy)
    account = system.accounts.find(login)
    assert account is not None
    in_custody = system.slug == CUSTODY
    return {
        "system": system.slug,
        "owner": {"organisation": VILLAGE} if in_custody else {"user": person.username},
        "login": login,
        "password": account.password,
        "label": "村级账号" if in_custody else "",
    }
