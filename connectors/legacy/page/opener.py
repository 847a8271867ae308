"""A page that shows its login only when something that says so is pressed."""

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.candidates import leads_away
from connectors.legacy.page.controls import Page
from connectors.legacy.page.document import lineage, said_by
from connectors.legacy.patterns import Pattern

_SAYS_SO = Pattern(r"(用户|账号|账户|用户名|密码|账号密码|请)?登[录入]|log ?in|log ?on|sign ?in|password ?log ?in")


def opens_login(page: Page) -> bool:
    """Whether something outside of every form says so and leads to no other page."""
    return any(
        node.mem_id not in page.hidden
        and _SAYS_SO.fullmatch(words.folded(said_by(node)))
        and not leads_away(node)
        and not _sends_a_form(node)
        for node in page.clickables
    )


def _sends_a_form(node: LexborNode) -> bool:
    return any(one.tag == "form" for one in lineage(node))
