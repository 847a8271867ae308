"""Path patterns of recipes: `*` is a run of characters within one path segment, `**` any run; the rest is literal."""

import re
from functools import lru_cache
from urllib.parse import urlsplit


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
def _compiled(glob: str) -> re.Pattern[str]:
    wild = {"**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*|\*)", glob)
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts), re.DOTALL)
