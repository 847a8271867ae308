"""The words of login pages, as data: `words.yaml` beside this file says what its groups and rows mean."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import yaml

from connectors.legacy.patterns import Pattern

Rows = Mapping[str, str]

# What is longer is no name and no label.
_LONGEST = 400
_TRADITIONAL = str.maketrans(
    "錄號帳戶碼驗證註冊關記員機構組織單動態確認複輸舊變設還進統請擊選擇陸賬",
    "录号账户码验证注册关记员机构组织单动态确认复输旧变设还进统请击选择陆账",
)
_SPELLINGS = (("帐", "账"), ("登陆", "登录"))
_CAMEL = Pattern(r"([a-z0-9])([A-Z])")
_ACRONYM = Pattern(r"([A-Z])([A-Z][a-z])")
_OTHER = Pattern(r"[^a-z0-9一-鿿]+")
# The place that mail goes to is no place where people live.
_MAIL_ADDRESS = Pattern(r"(mail) ?addr(ess)?\b")
_GAP_IN_CHINESE = Pattern(r"([一-鿿]) ([一-鿿])")
# Programs that send a password often call it so; on a page it is some other secret.
_SECRET = Pattern(r"\bsecret\b|\bcredential$")


def rows() -> Mapping[str, Rows]:
    """The whole table: group, row, expression."""
    text = (files("connectors.legacy.page") / "words.yaml").read_text(encoding="utf-8")
    return {
        str(group): {str(row): str(one) for row, one in table.items()} for group, table in yaml.safe_load(text).items()
    }


def compiled(table: Rows) -> Pattern:
    """One pattern of all rows: the leftmost match, of these the first row's."""
    return Pattern("|".join(f"(?:{expression})" for expression in table.values()))


_GROUPS = {group: compiled(table) for group, table in rows().items()}


def find(group: str, text: str) -> str:
    """What a row of the group finds in the text; empty where none does. Raises KeyError for no such group."""
    match = _GROUPS[group].search(text) if text else None
    return match[0] if match is not None else ""


def says(group: str, text: str) -> bool:
    return find(group, text) != ""


def says_only(group: str, text: str) -> bool:
    """Whether the whole text is what the group means."""
    return bool(text) and _GROUPS[group].fullmatch(text) is not None


def has_group(group: str) -> bool:
    return group in _GROUPS


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """What people read, in one spelling: `密　碼：` → `密码:`, `Log&nbsp;In` → `log in`."""
    short = unicodedata.normalize("NFKC", text[:_LONGEST]).lower().translate(_TRADITIONAL)
    joined = " ".join(short.split())
    # Twice: matches do not overlap, and `用 户 名` has two gaps around one character.
    joined = _GAP_IN_CHINESE.replace(r"\1\2", _GAP_IN_CHINESE.replace(r"\1\2", joined))
    for other, usual in _SPELLINGS:
        joined = joined.replace(other, usual)
    return joined


@lru_cache(maxsize=4096)
def identifier(text: str) -> str:
    """`txtUserName` → `txt user name`, `login_form.pwd2` → `login form pwd2`, `mailAddress` → `mail`."""
    split = _ACRONYM.replace(r"\1 \2", _CAMEL.replace(r"\1 \2", text[:_LONGEST]))
    return _MAIL_ADDRESS.replace(r"\1", _OTHER.replace(" ", split.lower()).strip())


def names_password(name: str) -> bool:
    """Whether the name of a field, or the end of a JSON pointer, speaks of a password; `/password/digest` does."""
    parts = [identifier(part) for part in name.split("/")[-2:]]
    return any(says("name.password", part) or _SECRET.search(part) is not None for part in parts)


def names_username(name: str) -> bool:
    """Whether the name of a field, or the end of a JSON pointer, speaks of who signs in."""
    return says("name.username", identifier(name.rsplit("/", 1)[-1]))
