"""The entries of a county file in the order in which they are made true, and which of them belong together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from connectors.apply.document import ClientEntry, County, ItemEntry, OrganisationEntry, SystemEntry, UserEntry
from connectors.legacy.recipe.recipe import Recipe
from sso.names import fold_username

# Of what kind, and what it is called there.
Address = tuple[str, str]
Bundle = Sequence["Entry"]

_INVENTORY = ("client", "recipe", "system")


@dataclass(frozen=True)
class Entry:
    """`place` is its place among all entries; `name` is for people; `needs` is what it names, in the file or not."""

    place: int
    address: Address
    name: str
    says: Any
    needs: frozenset[Address]

    @property
    def kind(self) -> str:
        return self.address[0]


def entries_of(county: County, recipes: Sequence[Recipe]) -> list[Entry]:
    """What an entry names stands before it, but for organisations, whose parents the file itself puts first."""
    kinds: tuple[tuple[str, Iterable[Any], Callable[[Any], str], Callable[[Any], str], Callable[[Any], Any]], ...] = (
        ("organisation", county.organisations, _id, _id, _needs_of_organisation),
        ("user", county.users, lambda one: fold_username(one.username), lambda one: one.username, _needs_of_user),
        ("client", county.clients, lambda one: one.client_id, lambda one: one.client_id, _needs_of_client),
        ("recipe", recipes, _id, _id, lambda _: ()),
        ("system", county.systems, lambda one: one.slug, lambda one: one.slug, _needs_of_system),
        ("item", county.items, _item_name, _item_name, _needs_of_item),
    )
    found: list[Entry] = []
    for kind, entries, key, name, needs in kinds:
        for one in entries:
            named = frozenset((what, which) for what, which in needs(one) if which is not None)
            found.append(Entry(len(found), (kind, key(one)), name(one), one, named))
    return found


def bundles_of(entries: Sequence[Entry]) -> list[Bundle]:
    """What must become true at once: a system, its recipe and its client, with all that share them; a person with their
    posts and password, which are one entry; anything else by itself."""
    inventory = [entry for entry in entries if entry.kind in _INVENTORY]
    before = [entry for entry in entries if entry.kind in ("organisation", "user")]
    after = [entry for entry in entries if entry.kind == "item"]
    return [*([one] for one in before), *_joined(inventory), *([one] for one in after)]


def foundation_of(bundle: Bundle, entries: Mapping[Address, Entry]) -> list[Entry]:
    """Everything in the file that a bundle rests on, and itself, in order."""
    found: dict[Address, Entry] = {}
    waiting = list(bundle)
    while waiting:
        entry = waiting.pop()
        if entry.address not in found:
            found[entry.address] = entry
            waiting += [entries[one] for one in entry.needs if one in entries]
    return sorted(found.values(), key=lambda entry: entry.place)


def _joined(inventory: Sequence[Entry]) -> list[Bundle]:
    """Groups of entries that name each other, each in the order of the file."""
    groups: dict[Address, list[Entry]] = {}
    for entry in inventory:
        named = {id(groups[one]): groups[one] for one in entry.needs if one in groups}
        group = [*chain.from_iterable(named.values()), entry]
        groups.update((one.address, group) for one in group)
    different = {id(group): group for group in groups.values()}
    return [sorted(group, key=lambda entry: entry.place) for group in different.values()]


def _id(entry: Any) -> str:
    return str(entry.id)


def _needs_of_organisation(entry: OrganisationEntry) -> list[tuple[str, str | None]]:
    return [("organisation", entry.parent)]


def _needs_of_user(entry: UserEntry) -> list[tuple[str, str | None]]:
    return [("organisation", post.organisation) for post in entry.posts]


def _needs_of_client(entry: ClientEntry) -> list[tuple[str, str | None]]:
    return [("organisation", one) for one in (entry.owner, *entry.access.organisations)]


def _needs_of_system(entry: SystemEntry) -> list[tuple[str, str | None]]:
    signers = (
        entry.http_approved_by,
        entry.upstream_ca_approved_by,
        *(one.http_approved_by for one in entry.further_origins),
    )
    return [
        *(("organisation", one) for one in (entry.owner, *entry.access.organisations)),
        *(("user", fold_username(one)) for one in signers if one is not None),
        ("recipe", entry.recipe),
        ("client", entry.client_id),
    ]


def _needs_of_item(entry: ItemEntry) -> list[tuple[str, str | None]]:
    owner = entry.owner
    return [
        ("system", entry.system),
        ("organisation", owner.organisation),
        ("user", fold_username(owner.user) if owner.user is not None else None),
    ]


def _item_name(entry: ItemEntry) -> str:
    owner = entry.owner.user or entry.owner.organisation
    return f"{entry.system} of {owner}" + (f" ({entry.label})" if entry.label else "")
