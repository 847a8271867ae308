"""A short label of a browser, so that people recognise their sessions. A hint only: nothing is decided by it."""

_BROWSERS = (
    ("taurusapp", "浙政钉"),
    ("DingTalk", "钉钉"),
    ("MicroMessenger", "微信"),
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("360", "360"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_label(user_agent: str) -> str:
    """`Chrome · Windows`; empty when nothing is recognised."""
    found = [next((label for mark, label in table if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(part for part in found if part)
