"""The one form of a user name. Input methods give full-width letters as a matter of course, so NFKC comes first.

Every spelling that folds to the same form is the same account, when it is looked for and when it is made. So no two
people can have names that differ in spelling only: a look-alike of somebody's name is that name, or is refused.
"""

import re
import unicodedata

from sso.errors import SsoError
from sso.typed import described, trimmed

MOST = 64
_MAX_TYPED = 256
# Chinese characters of every plane, to the end of extension J (GB 18030-2022 level 3 ends with extension F), those of
# the compatibility block that are characters of their own, and the zero of dates and names (〇).
_CHINESE = (
    "\u3007\u3400-\u4dbf\u4e00-\u9fff\ufa0e\ufa0f\ufa11\ufa13\ufa14\ufa1f\ufa21\ufa23\ufa24\ufa27-\ufa29"
    "\U00020000-\U0002ee5f\U00030000-\U0003347f"
)
# Letters of one script that nobody can mistake: a Cyrillic "a" is not another "a".
_FIRST = re.compile(f"[0-9a-z{_CHINESE}]")
_OTHER = re.compile(f"[0-9a-z{_CHINESE}_.@+·-]")
# The dot between the parts of a minority name, and the zero, as keyboards and fonts write them. None of them stands for
# anything else in a user name.
_LOOK_ALIKES = str.maketrans(
    dict.fromkeys("\u2022\u2027\u2219\u22c5\u2e31\u2e33\u30fb\ua78f", "·") | dict.fromkeys("\u25cb\u25ef", "〇")
)
# What PostgreSQL or UTF-8 cannot hold. None of it is in any user name, so it may become one character.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def fold_username(text: str) -> str:
    """The canonical form used for every comparison: NFKC, case folded, one dot and one zero, nothing unseen around it
    (RFC 8265 §3.3).

    Never raises: a name that cannot exist folds to something that matches nobody.
    """
    storable = _UNSTORABLE.sub("\ufffd", text[:_MAX_TYPED])
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", storable).casefold())
    return trimmed(folded.translate(_LOOK_ALIKES))


def require_username(text: str) -> str:
    """A canonical name fit to be created. Raises ERR-USERNAME, which names the character that is refused."""
    name = fold_username(text)
    if not name:
        raise _refusal("it is empty")
    if len(trimmed(text)) > MOST or len(name) > MOST:
        raise _refusal(f"this one has {max(len(trimmed(text)), len(name))}")
    unfit = next((char for char in name if not _OTHER.match(char)), None)
    if unfit is not None:
        raise _refusal(f"this one has {described(_as_typed(text, unfit))}")
    if not _FIRST.match(name):
        raise _refusal(f"it does not begin with {described(name[0])}")
    return name


def _as_typed(text: str, unfit: str) -> str:
    """The character that was typed where folding made an unfit one of it: `½` becomes `1⁄2`."""
    return next((char for char in text if unfit in fold_username(char)), unfit)


def _refusal(why: str) -> SsoError:
    return SsoError(
        "ERR-USERNAME", f"a user name has 1-{MOST} letters, digits, Chinese characters and . _ - @ + ·; {why}"
    )
