"""A system as the portal shows it: its way in, the accounts it can be opened with, and what stands in the way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.registration import WayInKind
from connectors.systems import System
from vault.items import Item
from web.i18n import Catalogue
from web.pages.pinyin import initials


@dataclass(frozen=True)
class Account:
    """An Item by which a tile can be opened."""

    id: str
    title: str


@dataclass(frozen=True)
class Tile:
    system_id: str
    slug: str
    name: str
    owner: str
    category: str
    state: str
    opens: bool
    favourite: bool
    insecure: bool
    reason: str
    accounts: tuple[Account, ...]
    find: str


@dataclass(frozen=True)
class Group:
    title: str
    tiles: tuple[Tile, ...]


def tile_of(
    system: System,
    items: Sequence[Item],
    texts: Catalogue,
    *,
    owner: str,
    favourite: bool,
    one_step: bool,
) -> Tile:
    registration = system.registration
    name = system.name.in_locale(texts.locale)
    return Tile(
        system_id=system.id,
        slug=system.slug,
        name=name,
        owner=owner,
        category=registration.category,
        state=state_of(system, items, one_step=one_step),
        opens=system.way_in.kind is not WayInKind.NONE,
        favourite=favourite,
        insecure=system.fills and system.origin is not None and system.origin.scheme == "http",
        reason=system.way_in.reason,
        accounts=tuple(_account(item, texts) for item in items if item.state == "active") if system.fills else (),
        find=_findable(system.name.zh, system.name.en, owner, registration.category, system.slug),
    )


def state_of(system: System, items: Sequence[Item], *, one_step: bool) -> str:
    """One word of the inventory's vocabulary: 已联邦, 自动填充, 填充+一步, 需要账号, 口令被拒, 仅链接, 不可接入."""
    fixed = {WayInKind.OIDC: "federated", WayInKind.LINK: "link", WayInKind.NONE: "none"}
    if system.way_in.kind in fixed:
        return fixed[system.way_in.kind]
    if not items:
        return "needs_account"
    if all(item.state == "frozen" for item in items):
        return "frozen"
    return "one_step" if one_step else "auto"


def grouped(tiles: Iterable[Tile], texts: Catalogue) -> tuple[Group, ...]:
    """Favourites first, then the categories by name, and last what has no category."""
    favourites: list[Tile] = []
    categories: dict[str, list[Tile]] = defaultdict(list)
    for tile in tiles:
        (favourites if tile.favourite else categories[tile.category]).append(tile)
    others = categories.pop("", [])
    named: list[tuple[str, Sequence[Tile]]] = [(texts.text("portal.favourites"), favourites)]
    named += sorted(categories.items())
    named.append((texts.text("portal.others"), others))
    return tuple(Group(title, tuple(members)) for title, members in named if members)


def matching(tiles: Iterable[Tile], query: str) -> list[Tile]:
    words = query.lower().split()
    return [tile for tile in tiles if all(word in tile.find for word in words)]


def by_system(items: Iterable[Item]) -> Mapping[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.system].append(item)
    return found


def _account(item: Item, texts: Catalogue) -> Account:
    own = item.owner.startswith("user:")
    kind = texts.text("portal.own_account" if own else "portal.custody_account")
    return Account(item.id, f"{item.label or kind} · {item.login}")


def _findable(*texts: str) -> str:
    return " ".join([*(text.lower() for text in texts if text), *(initials(text) for text in texts if text)])
