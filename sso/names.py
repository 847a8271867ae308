"""The one form of a user name. Input methods give full-width letters as a matter of course, so NFKC comes first."""

import re
import unicodedata

from sso.errors import SsoError

_MAX_TYPED = 256
# Letters of one script that nobody can mistake, and Chinese characters: a Cyrillic "a" is not another "a".
_USERNAME = re.compile(r"[0-9a-z\u3400-\u9fff][0-9a-z\u3400-\u9fff_.@+-]{0,63}\Z")
# What PostgreSQL or UTF-8 cannot hold. None of it is in any user name, so it may become one character.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def fold_username(text: str) -> str:
    """The canonical form used for every comparison: NFKC, case folded, outer white space gone (RFC 8265 §3.3).

    Never raises: a name that cannot exist folds to something that matches nobody.
    """
    storable = _UNSTORABLE.sub("\ufffd", text[:_MAX_TYPED])
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", storable).casefold()).strip()


def require_username(text: str) -> str:
    """A canonical name fit to be created. Raises ERR-USERNAME."""
    name = fold_username(text)
    if not _USERNAME.match(name):
        raise SsoError("ERR-USERNAME", "a user name has 1-64 letters, digits and . _ - @ +")
    return name
