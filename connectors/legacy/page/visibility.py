"""Whether an element is seen, as far as the HTML and the page's own style sheets tell."""

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from connectors.legacy.page.document import Document, attribute, has
from connectors.legacy.patterns import Pattern

NOT_DISPLAYED = "not displayed"
MOVED_AWAY = "moved out of sight"

_HIDING_CLASSES = frozenset(
    f".{name}"
    for name in (
        *(
            "hidden",
            "hide",
            "d-none",
            "layui-hide",
            "is-hidden",
            "invisible",
            "visually-hidden",
            "display-none",
            "none",
        ),
        *("sr-only",),
    )
)
_SIDES = ("left", "top", "text-indent", "margin-left", "right")
_FAR = Pattern(r"-[0-9]{3,}")
_RULE = Pattern(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = Pattern(r"[a-z0-9]*([.#][\w-]+)")
# A page is hostile until proven otherwise.
_LONGEST_STYLE = 2000
_LONGEST_SHEET = 256 * 1024
_MAX_CLASSES = 50

_Style = Mapping[str, str]


class Hiding:
    """The ways this page takes things out of sight."""

    def __init__(self, document: Document) -> None:
        self._rules = _hiding_rules(document)

    def why(self, node: LexborNode) -> str:
        """Why the element itself is not seen, in words; empty when it is. What holds it is another question."""
        attributes = node.attrs
        if "hidden" in attributes:
            return "hidden"
        style = _style(attribute(node, "style")) if "style" in attributes else {}
        if _is_away(style):
            return MOVED_AWAY
        names = _names(node) if "class" in attributes or "id" in attributes else ()
        ruled = next((self._rules[one] for one in names if one in self._rules), "")
        if ruled:
            return ruled
        if _is_hidden(style) or _HIDING_CLASSES.intersection(names):
            return NOT_DISPLAYED
        return "aria-hidden" if has(node, "aria-hidden") and _is_hidden_input(node) else ""


def _names(node: LexborNode) -> tuple[str, ...]:
    classes = attribute(node, "class").split(None, _MAX_CLASSES)[:_MAX_CLASSES]
    return (*(f".{one}" for one in classes), f"#{attribute(node, 'id')}")


def _is_hidden_input(node: LexborNode) -> bool:
    return node.tag == "input" and attribute(node, "aria-hidden") == "true"


def _hiding_rules(document: Document) -> dict[str, str]:
    """Classes and ids that the page's own style sheets take out of sight."""
    found: dict[str, str] = {}
    left = _LONGEST_SHEET
    for sheet in document.all("style"):
        text = sheet.text(deep=True)[:left]
        left -= len(text)
        for selectors, declarations in _RULE.pairs(text):
            why = _why_ruled(_style(declarations))
            for one in selectors.split(",") if why else ():
                if match := _SIMPLE.fullmatch(one.strip()):
                    found[match[1]] = why
        if left <= 0:
            break
    return found


def _why_ruled(style: _Style) -> str:
    if _is_away(style) and style.get("position") in ("absolute", "fixed"):
        return MOVED_AWAY
    return NOT_DISPLAYED if _is_hidden(style) else ""


def _style(text: str) -> _Style:
    """The declarations, by property; everything in lower case and without white space."""
    found: dict[str, str] = {}
    for one in text[:_LONGEST_STYLE].lower().split(";"):
        name, colon, value = one.partition(":")
        if colon:
            found["".join(name.split())] = "".join(value.split()).removesuffix("!important")
    return found


def _is_hidden(style: _Style) -> bool:
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    opacity = style.get("opacity", "")
    return opacity != "" and not opacity.strip("0.%")


def _is_away(style: _Style) -> bool:
    if not style:
        return False
    if any(_FAR.match(style.get(side, "")) for side in _SIDES):
        return True
    if any(style.get(size) in ("0", "0px") for size in ("width", "height")):
        return True
    return style.get("clip", "").startswith("rect(0") or style.get("clip-path") in ("inset(50%)", "inset(100%)")
