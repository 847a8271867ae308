"""The button that signs in, among all that can be pressed."""

import re

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.candidates import Candidate
from connectors.legacy.page.controls import Page
from connectors.legacy.page.document import attribute, said_by

_LONGEST = 20


def submit_of(page: Page, candidate: Candidate) -> LexborNode | None:
    """The likeliest button of the candidate, or None where nothing looks like one (Enter may still send it)."""
    scored = [
        (button_points(node), -place, node)
        for place, node in enumerate(page.clickables)
        if (node.mem_id not in page.hidden or candidate.is_unseen) and candidate.owns(node)
    ]
    if not scored:
        return None
    points, _, best = max(scored, key=lambda one: one[:2])
    return best if points > 0 else None


def button_points(node: LexborNode) -> float:
    said = re.sub(r"\s", "", said_by(node))
    named = words.identifier(
        " ".join(attribute(node, name) for name in ("id", "name", "class", "onclick", "@click", "src"))
    )
    points = 0.0
    if node.tag in ("button", "input") and attribute(node, "type").lower() in ("submit", "image", ""):
        points += 3
    if len(said) <= _LONGEST:
        points += 6 if words.LOGIN_EXACT.fullmatch(said) else 4 if words.LOGIN.search(said) else 0
    if words.LOGIN_IDENTIFIER.search(named):
        points += 2
    if (words.SECONDARY.search(said) and not words.LOGIN_EXACT.fullmatch(said)) or words.SENDS_CODE.search(said):
        points -= 10
    if words.CHANGE.search(said):
        points -= 2
    # A link that only leads elsewhere is no button.
    target = attribute(node, "href")
    if node.tag == "a" and target and not target.startswith(("#", "javascript:")) and not attribute(node, "onclick"):
        points -= 8
    return points
