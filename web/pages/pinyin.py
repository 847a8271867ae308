"""Pinyin initials, so that `zhzx` finds 智惠掌心.

GB 2312 lists its 3,755 common characters (level 1) in the order of their pinyin, so a character's place tells the
first letter of its commonest reading. Rarer characters have none; they are still found by themselves.
"""

from bisect import bisect_right

# The first level-1 character of each letter; no syllable begins with i, u or v.
_FIRST = "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"
_LETTERS = "abcdefghjklmnopqrstwxyz"
_STARTS = [int.from_bytes(char.encode("gb2312"), "big") for char in _FIRST]
_END = int.from_bytes("座".encode("gb2312"), "big")


def initials(text: str) -> str:
    return "".join(letter for char in text if (letter := _initial(char)))


def _initial(char: str) -> str:
    if char.isascii():
        return char.lower() if char.isalnum() else ""
    try:
        code = int.from_bytes(char.encode("gb2312"), "big")
    except UnicodeEncodeError:
        return ""
    if not _STARTS[0] <= code <= _END:
        return ""
    return _LETTERS[bisect_right(_STARTS, code) - 1]
