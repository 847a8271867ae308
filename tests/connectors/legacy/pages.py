"""The corpus of login pages, read once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class LoginPage:
    name: str
    html: str
    expect: dict[str, Any] = field(default_factory=dict)
    none: bool = False
    frames: tuple[str, ...] = ()
    encode: str = "utf-8"
    http: str | None = None
    url: str = "http://a.test/"

    @property
    def content(self) -> bytes:
        return self.html.encode(self.encode)


PAGES = [
    LoginPage(**{**entry, "frames": tuple(entry.get("frames", ()))})
    for entry in yaml.safe_load((Path(__file__).parent / "pages.yaml").read_text(encoding="utf-8"))
]
