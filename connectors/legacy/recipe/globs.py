"""Path patterns of recipes: `*` is a run of characters within one path segment, `**` any run; the rest is literal."""

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from connectors.legacy.patterns import Pattern, escaped


def matches_path(glob: str, address: str) -> bool:
    """True when the path of `address` (a URL or a path) fits; a glob with `?` is held against path and query.

    A glob that starts with http:// or https:// is held against the whole address.
    """
    compiled = _compiled(glob)
    if glob.startswith(("http://", "https://")):
        return compiled.fullmatch(address) is not None
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    path = parts.path or "/"
    return compiled.fullmatch(f"{path}?{parts.query}" if "?" in glob else path) is not None


@lru_cache(maxsize=512)
def _compiled(glob: str) -> Pattern:
    wild = {"**": ".*", "*": "[^/]*"}
    return Pattern("(?s)" + "".join(wild.get(part) or escaped(part) for part in _parts(glob)))


def _parts(glob: str) -> Iterator[str]:
    """The runs of text and the wild cards between them."""
    for number, piece in enumerate(glob.split("**")):
        if number:
            yield "**"
        for place, text in enumerate(piece.split("*")):
            if place:
                yield "*"
            yield text
