"""The one form of a user name. Input methods give full-width letters as a matter of course, so NFKC comes first."""

import re
import unicodedata

from sso.errors import SsoError

_USERNAME = re.compile(r"[\w][\w.@+-]{0,63}\Z")


def fold_username(text: str) -> str:
    """The canonical form used for every comparison: NFKC, case folded, outer white space gone (RFC 8265 §3.3).

    Never raises: a name that cannot exist folds to something that matches nobody.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()[:256]


def require_username(text: str) -> str:
    """A canonical name fit to be created. Raises ERR-USERNAME."""
    name = fold_username(text)
    if not _USERNAME.match(name):
        raise SsoError("ERR-USERNAME", "a user name has 1-64 letters, digits and . _ - @ +")
    return name
