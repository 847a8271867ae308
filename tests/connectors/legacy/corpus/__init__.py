"""A corpus of our own: login pages and what is none, each with the right answer. The pages are written for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
_OTHER_ROLES = ("captcha", "otp", "tenant", "person", "remember")


@dataclass(frozen=True)
class Case:
    """`username` and `password` name the fields; both None where nothing is for the password. `step`: the field of a
    page that asks for the user name alone. `others`: by role, the field that has it."""

    name: str
    content: bytes
    username: str | None
    password: str | None
    step: str | None = None
    submit: str | None = None
    tag: str | None = None
    others: dict[str, str] = field(default_factory=dict)

    @property
    def is_login(self) -> bool:
        return self.password is not None


def _written() -> Iterator[Case]:
    for one in yaml.safe_load((_FOLDER / "pages.yaml").read_text(encoding="utf-8")):
        yield Case(
            name=one["n"],
            content=f'<!doctype html><html><head><meta charset="utf-8"></head><body>{one["h"]}</body></html>'.encode(),
            username=one.get("u"),
            password=one.get("p"),
            step=one.get("step"),
            submit=one.get("submit"),
            tag=one.get("tag"),
            others={role: one[role] for role in _OTHER_ROLES if role in one},
        )


def _laid_out() -> Iterator[Case]:
    read = yaml.safe_load((_FOLDER / "layouts.yaml").read_text(encoding="utf-8"))
    for layout in read["layouts"]:
        for form in read["forms"]:
            yield _page(layout, form)


def _page(layout: dict[str, Any], form: dict[str, Any]) -> Case:
    prefix = layout.get("prefix", "")
    rows = "".join(layout["row"].format(label=label, name=name, type=kind) for label, name, kind in form["fields"])
    html = layout["page"].format(title=form["title"], action=form["action"], rows=rows, button=form["button"])
    named = {role: prefix + form[role] for role in ("username", "password", *_OTHER_ROLES) if role in form}
    return Case(
        name=f"{layout['name']}: {form['name']}",
        content=html.encode(layout.get("encode", "utf-8")),
        username=named.pop("username", None),
        password=named.pop("password", None),
        others=named,
    )


CASES = (*_written(), *_laid_out())
