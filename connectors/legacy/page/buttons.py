"""The button that signs in, among all that can be pressed."""

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.candidates import Candidate, leads_away
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
    return _inmost(candidate, best, [node for _, _, node in scored]) if points > 0 else None


def _inmost(candidate: Candidate, button: LexborNode, nodes: list[LexborNode]) -> LexborNode:
    """What listens to the press may be the button or anything around it, never what it wraps: of several that say the
    same the innermost is pressed."""
    said = words.folded(said_by(button))
    for node in nodes:
        if node.mem_id != button.mem_id and words.folded(said_by(node)) == said and candidate.page.holds(button, node):
            button = node
    return button


def button_points(node: LexborNode) -> float:
    said = words.folded(said_by(node))
    named = words.identifier(
        " ".join(attribute(node, name) for name in ("id", "name", "class", "onclick", "@click", "src"))
    )
    points = 0.0
    if node.tag in ("button", "input") and attribute(node, "type").lower() in ("submit", "image", ""):
        points += 3
    if len(said) <= _LONGEST:
        points += 6 if words.says_only("button.login_exact", said) else 4 if words.says("button.login", said) else 0
    if words.says("name.login", named):
        points += 2
    is_secondary = words.says("button.secondary", said) and not words.says_only("button.login_exact", said)
    if is_secondary or words.says("button.sends_code", said):
        points -= 10
    if words.says("button.change", said):
        points -= 2
    return points - 8 if leads_away(node) else points
