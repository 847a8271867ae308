"""The county file of the demo: what `yimen apply` is told. Secrets are made anew at every start."""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo.legacy.system import LegacySystem
from demo.people import CADRE, ORGANISATIONS, PEOPLE, VILLAGE

RECIPES = Path(__file__).parent / "recipes"
# Who runs which system, and where it stands in the portal.
_OWNERS = {
    "zhihui": ("qx-mz", "民生服务", "Palm services"),
    "wenhua": ("qx-wh", "文化教育", "Culture hall"),
    "nongjia": ("qx-wh", "文化教育", "Farm library"),
    "jingzhong": ("qx-ga", "平安建设", "Alarm bell"),
    "nongfang": ("qx-jj", "民生服务", "Rural housing"),
    "zhiyuan": ("qx-mz", "民生服务", "Volunteers"),
    "danan": ("qx-da", "政务办公", "Archive"),
}
# The village's one account, which the organisation keeps for whoever holds the post.
CUSTODY = "nongfang"


def new_password() -> str:
    """Random, and of the kinds of characters that every password rule asks for, quoting traps among them."""
    letters = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(11))
    return f"{letters}&+%{secrets.choice(string.digits)}aZ"


@dataclass(frozen=True)
class Federated:
    """A client of the county: where it starts, and what it is registered with."""

    slug: str
    title: str
    english: str
    owner: str
    category: str
    origin: str
    client: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Secrets:
    """Everything secret of one demo."""

    sign_in: Mapping[str, str] = field(repr=False)
    legacy: Mapping[str, str] = field(repr=False)


def new_secrets(legacy: Sequence[LegacySystem]) -> Secrets:
    return Secrets(
        sign_in={person.username: new_password() for person in PEOPLE},
        legacy={system.slug: new_password() for system in legacy},
    )


def legacy_login(slug: str) -> str:
    """The cadre's user name at each legacy system: every one made up its own rule."""
    return {"nongfang": "柳溪村", "zhiyuan": "liuxi_zyz", "danan": "lin"}.get(slug, "lin.xiaolan")


def describe(legacy: Sequence[LegacySystem], federated: Sequence[Federated], kept: Secrets) -> dict[str, Any]:
    """The document of `yimen apply` (docs/apply.md)."""
    return {
        "version": 1,
        "organisations": [_organisation(row) for row in ORGANISATIONS],
        "users": [_user(person, kept.sign_in[person.username]) for person in PEOPLE],
        "clients": [dict(one.client) for one in federated],
        "recipes": [recipe for system in legacy if (recipe := recipe_of(system.slug))],
        "systems": [*map(_federated_system, federated), *map(_legacy_system, legacy), _unreachable()],
        "items": [_item(system.slug, kept.legacy[system.slug]) for system in legacy],
    }


def recipe_of(slug: str) -> dict[str, Any] | None:
    path = RECIPES / f"{slug}.yaml"
    if not path.exists():
        return None
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _organisation(row: tuple[str, str, str, str, str | None, str | None]) -> dict[str, Any]:
    identifier, name, kind, level, code, parent = row
    return {"id": identifier, "name": name, "kind": kind, "level": level, "code": code, "parent": parent}


def _user(person: Any, password: str) -> dict[str, Any]:
    return {
        "username": person.username,
        "name": person.name,
        "password": password,
        "totp": "off",
        "roles": [person.role],
        "posts": [{"organisation": person.organisation, "title": person.title, "main": True}],
        "email": f"{person.username}@qingxi.example",
    }


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
    owner, category, english = _OWNERS[system.slug]
    recipe = recipe_of(system.slug)
    return {
        "slug": system.slug,
        "name": {"zh": system.title, "en": english},
        "description": system.quirk,
        "owner": owner,
        "category": category,
        "level": "村",
        "way_in": [{"kind": "basic" if system.slug == "zhiyuan" else "gateway"}],
        "upstream": system.origin,
        "login_path": system.login_path,
        "http_approved_by": "zhou.an",
        "recipe": recipe["id"] if recipe else None,
    }


def _unreachable() -> dict[str, Any]:
    return {
        "slug": "fanzha",
        "name": {"zh": "反诈宣传", "en": "Anti-fraud app"},
        "owner": "qx-ga",
        "category": "平安建设",
        "level": "村",
        "way_in": [{"kind": "none", "reason": "只有手机应用，没有网页登录"}],
    }


def _item(slug: str, password: str) -> dict[str, Any]:
    owner = {"organisation": VILLAGE} if slug == CUSTODY else {"user": CADRE.username}
    label = "村级账号" if slug == CUSTODY else ""
    return {"system": slug, "owner": owner, "login": legacy_login(slug), "password": password, "label": label}
