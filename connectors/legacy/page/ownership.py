"""Which form a control belongs to, as browsers decide it (HTML §4.10.17.3)."""

from bisect import bisect_left
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page.document import Document, attribute, lineage


class Ownership:
    """Told of every element in the order of the page."""

    def __init__(self, document: Document) -> None:
        self._named: dict[str, LexborNode] = {}
        for form in document.all("form[id]"):
            self._named.setdefault(attribute(form, "id"), form)
        self._forms: list[tuple[int, LexborNode]] = []
        self._homeless: list[tuple[int, int]] = []
        self._owners: set[Any] = set()

    def pass_by(self, node: LexborNode, place: int) -> None:
        if node.tag == "form":
            self._forms.append((place, node))

    def of(self, node: LexborNode, place: int, index: int) -> LexborNode | None:
        """The form of the `form` attribute, else the form around."""
        if named := attribute(node, "form"):
            owner = self._named.get(named)
        else:
            owner = next((one for one in lineage(node) if one.tag == "form"), None)
        if owner is None:
            self._homeless.append((place, index))
        else:
            self._owners.add(owner.mem_id)
        return owner

    def adopted(self) -> dict[int, LexborNode]:
        """The forms of controls that stand in none, by the control's index.

        After `<table><form><tr>` the parser leaves the form empty but keeps it as the owner of what follows
        (HTML §13.2.6.4.9), so a form without any control owns the homeless ones that follow it, up to the next form.
        """
        places = [place for place, _ in self._forms]
        found: dict[int, LexborNode] = {}
        for place, index in self._homeless:
            before = bisect_left(places, place) - 1
            if before >= 0 and self._forms[before][1].mem_id not in self._owners:
                found[index] = self._forms[before][1]
        return found
