"""One entry, one place: of two entries for the same thing the last would win, and nobody would be told."""

from collections.abc import Hashable, Iterable

from connectors.apply.document import County, ItemEntry
from connectors.errors import ConnectorError
from sso.names import fold_username


def require_no_repeats(county: County) -> None:
    """Raises ERR-APPLY_FILE naming both places. User names that differ only in spelling are one (`DD`, `ｄｄ`)."""
    require_different("organisations", [entry.id for entry in county.organisations])
    require_different("users", [fold_username(entry.username) for entry in county.users])
    require_different("clients", [entry.client_id for entry in county.clients])
    require_different("systems", [entry.slug for entry in county.systems])
    require_different("items", map(_item_key, county.items))


def require_different(name: str, keys: Iterable[Hashable]) -> None:
    """Raises ERR-APPLY_FILE when two of the keys, in the order of the list `name`, are the same."""
    first: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        before = first.setdefault(key, index)
        if before != index:
            raise ConnectorError("ERR-APPLY_FILE", f"{name}[{before}] and {name}[{index}] are one and the same")


def _item_key(entry: ItemEntry) -> Hashable:
    """An item is known by its system, owner and label."""
    owner = entry.owner
    person = fold_username(owner.user) if owner.user is not None else None
    return entry.system, person, owner.organisation, entry.label
