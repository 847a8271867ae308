"""Whether an element is seen, as far as the HTML and the page's own style sheets tell."""

import re

from selectolax.lexbor import LexborNode

from connectors.legacy.page.document import Document, attribute, has

NOT_DISPLAYED = "not displayed"

_HIDING_CLASSES = frozenset(
    {
        ".hidden",
        ".hide",
        ".d-none",
        ".layui-hide",
        ".is-hidden",
        ".invisible",
        ".visually-hidden",
        ".display-none",
        ".none",
    }
)
_HIDING_STYLE = re.compile(r"(display:none|visibility:hidden|opacity:0(?![.\d]*[1-9]))")
_AWAY_STYLE = re.compile(
    r"(?:^|[;{\s])(?:left|top|text-indent|margin-left|right):-\d{3,}"
    r"|(?:^|;)(?:width|height):0(?:px)?(?:;|$)|clip:rect\(0|clip-path:inset\((?:50|100)%"
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"(?:[a-z0-9]*)([.#][\w-]+)\Z")


class Hiding:
    """The ways this page takes things out of sight."""

    def __init__(self, document: Document) -> None:
        self._rules = _hiding_rules(document)

    def why(self, node: LexborNode) -> str:
        """Why the element itself is not seen, in words; empty when it is. What holds it is another question."""
        if has(node, "hidden"):
            return "hidden"
        style = attribute(node, "style").replace(" ", "").lower()
        if _AWAY_STYLE.search(style):
            return "moved out of sight"
        names = [f".{one}" for one in attribute(node, "class").split()] + [f"#{attribute(node, 'id')}"]
        ruled = next((self._rules[one] for one in names if one in self._rules), "")
        if ruled:
            return ruled
        if _HIDING_STYLE.search(style) or _HIDING_CLASSES.intersection(names):
            return NOT_DISPLAYED
        return "aria-hidden" if attribute(node, "aria-hidden") == "true" and node.tag == "input" else ""


def _hiding_rules(document: Document) -> dict[str, str]:
    """Classes and ids that the page's own style sheets take out of sight."""
    found: dict[str, str] = {}
    for sheet in document.all("style"):
        for selectors, declarations in _RULE.findall(sheet.text(deep=True)):
            why = _why_ruled(re.sub(r"\s", "", declarations).lower())
            for one in selectors.split(",") if why else ():
                if match := _SIMPLE.match(one.strip()):
                    found[match[1]] = why
    return found


def _why_ruled(declarations: str) -> str:
    if _AWAY_STYLE.search(declarations) and re.search(r"position:(absolute|fixed)", declarations):
        return "moved out of sight"
    return NOT_DISPLAYED if _HIDING_STYLE.search(declarations) else ""
