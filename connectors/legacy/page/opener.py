"""A page that shows its login only when something that says so is pressed."""

import re

from selectolax.lexbor import LexborNode

from connectors.legacy.page.controls import Page
from connectors.legacy.page.document import attribute, has, said_by

_SAYS_SO = re.compile(
    r"(用户|账号|账户|用户名|密码|账号密码|帐号|请)?登[录陆入錄]|login|logon|signin|passwordlogin", re.IGNORECASE
)


def opens_login(page: Page) -> bool:
    """Whether something outside of every form says so and leads to no other page."""
    return any(
        node.mem_id not in page.hidden
        and _SAYS_SO.fullmatch("".join(said_by(node).split()))
        and not _leads_away(node)
        and not _sends_a_form(node)
        for node in page.clickables
    )


def _leads_away(node: LexborNode) -> bool:
    target = attribute(node, "href")
    return node.tag == "a" and not has(node, "onclick") and not target.startswith(("#", "javascript:")) and target != ""


def _sends_a_form(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None and parent.tag != "form":
        parent = parent.parent
    return parent is not None
