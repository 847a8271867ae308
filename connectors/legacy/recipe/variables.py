"""Where a transform's variables come from: the login page, an earlier answer, a cookie, the sign-in request itself."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from connectors.errors import ConnectorError
from connectors.legacy.page.document import Document, attribute, decode
from connectors.legacy.patterns import Pattern
from connectors.legacy.recipe.globs import matches_path
from connectors.legacy.recipe.parts import CookieVariable, PageVariable, RequestVariable, ResponseVariable
from connectors.legacy.recipe.pointers import value_at
from connectors.legacy.recipe.recipe import Recipe


def from_page(recipe: Recipe, html: str | bytes, charset: str | None = None) -> dict[str, str]:
    """What the login page itself tells. A variable that is not there is left out."""
    wanted = {name: one for name, one in recipe.variables.items() if isinstance(one, PageVariable)}
    if not wanted:
        return {}
    document = Document(html, charset)
    found = {name: _in_page(variable, document) for name, variable in wanted.items()}
    return {name: value for name, value in found.items() if value is not None}


def from_response(recipe: Recipe, address: str, body: bytes, charset: str | None = None) -> dict[str, str]:
    """What one earlier answer of the system tells; `address` is its URL or path."""
    found: dict[str, str] = {}
    for name, variable in recipe.variables.items():
        if isinstance(variable, ResponseVariable) and matches_path(variable.path, address):
            value = _in_response(variable, body, charset)
            if value is not None:
                found[name] = value
    return found


def from_cookies(recipe: Recipe, cookies: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: one.name for name, one in recipe.variables.items() if isinstance(one, CookieVariable)}
    return {name: cookies[cookie] for name, cookie in wanted.items() if cookie in cookies}


def from_request(recipe: Recipe, fields: Any) -> dict[str, str]:
    """What the sign-in request itself holds; `fields` is the form as a mapping, or the JSON document."""
    found: dict[str, str] = {}
    for name, variable in recipe.variables.items():
        if isinstance(variable, RequestVariable):
            value = _in_document(fields, variable.field)
            if value is not None:
                found[name] = value
    return found


def require_variables(recipe: Recipe, variables: Mapping[str, str]) -> None:
    """Raises ERR-TRANSFORM when a variable of the recipe has no value: then nothing must be sent."""
    if missing := sorted(recipe.variables.keys() - variables.keys()):
        raise ConnectorError("ERR-TRANSFORM", f"no value for {', '.join(missing)}")


def _in_page(variable: PageVariable, document: Document) -> str | None:
    text = document.text
    if variable.selector is not None:
        node = document.first(variable.selector)
        if node is None:
            return None
        text = node.text() if variable.attribute == "text" else attribute(node, variable.attribute)
    return _first_group(variable.regex, text) if variable.regex is not None else text.strip()


def _in_response(variable: ResponseVariable, body: bytes, charset: str | None) -> str | None:
    text = decode(body, charset)[0]
    if variable.regex is not None:
        return _first_group(variable.regex, text)
    try:
        return _as_text(value_at(json.loads(text), variable.pointer or ""))
    except (ValueError, KeyError, RecursionError):
        return None


def _in_document(fields: Any, field: str) -> str | None:
    try:
        if field.startswith("/") and not (isinstance(fields, Mapping) and field in fields):
            return _as_text(value_at(fields, field))
        return _as_text(fields[field]) if isinstance(fields, Mapping) and field in fields else None
    except KeyError:
        return None


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _first_group(regex: str, text: str) -> str | None:
    pattern = _compiled(regex)
    match = pattern.search(text)
    if match is None:
        return None
    return match[1] if pattern.groups else match[0]


@lru_cache(maxsize=512)
def _compiled(regex: str) -> Pattern:
    return Pattern(regex)
