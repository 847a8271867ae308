"""Whether a page can be parsed at a cost that its size allows.

An HTML parser looks through its stack of open elements at most start tags, and opens unclosed formatting elements anew
in every block (HTML §13.2.4.2, §13.2.4.3): nesting without end costs the square of the page's size, in time or in
memory. Browsers stop at a depth of some hundreds. This estimate is made before parsing, in one pass over the text.
"""

from connectors.legacy.patterns import Pattern

# Elements without content, and those that the next one closes.
_LEVEL = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"),
        *("wbr", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "tbody", "thead", "tfoot", "html"),
        *("head", "body"),
    }
)
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_FEW = 2000
_SHORT = 6000
_LONG = 1000
_MANY_QUOTES = 20_000
_TAG = Pattern(r"""(?:[^>"']|"[^"]*"|'[^']*')*""")
_QUOTED = Pattern(r"""=\s*(?:"[^"]*"|'[^']*')""")
_LONGEST_NAME = 12
_MOST_STEPS = 30_000_000
_MOST_REOPENED = 400_000


def is_beyond_sense(text: str) -> bool:
    """True for a page that no parser should be given."""
    if text.count("<") < _FEW and len(text) < _SHORT:
        return False
    depth = formatting = options = steps = reopened = 0
    raw = ""
    for part in text.split("<")[1:]:
        name = _name(part)
        if raw:
            raw = "" if name == f"/{raw}" else raw
        elif name.startswith("/"):
            depth -= depth > 0 and name[1:] not in _LEVEL
            formatting -= formatting > 0 and name[1:] in _FORMATTING
            options = 0 if name == "/select" else options
        elif name:
            raw = name if name in ("script", "style", "textarea") else ""
            depth += name not in _LEVEL and not raw
            formatting += name in _FORMATTING
            # The parser goes through a choice's options again for each new one.
            options += name == "option"
            steps += depth + _attribute_steps(part) + (options if name == "option" else 0)
            reopened += formatting
            if steps > _MOST_STEPS or reopened > _MOST_REOPENED:
                return True
    return False


def _attribute_steps(part: str) -> int:
    """A parser looks at all attributes of an element before it takes the next one (HTML §13.2.5.33)."""
    if len(part) < _LONG:
        return 0
    match = _TAG.match(part)
    part = match[0] if match else part
    if part.count('"') + part.count("'") > _MANY_QUOTES:
        return _MOST_STEPS
    bare = _QUOTED.replace(" ", part).partition(">")[0].replace("/", " ")
    return len(bare.split()) ** 2 // 4


def _name(part: str) -> str:
    """The tag's name, with its slash; empty for what is no tag."""
    head = part[:_LONGEST_NAME]
    if not (head[:1].isalpha() or head[:1] == "/"):
        return ""
    closing = "/" if head[0] == "/" else ""
    words = head[len(closing) :].replace(">", " ").replace("/", " ").split(None, 1)
    return closing + words[0].lower() if words else ""
