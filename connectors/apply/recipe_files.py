"""The recipes of a county file: each stands in it, or in a YAML file beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.apply.repeats import require_different
from connectors.errors import ConnectorError
from connectors.legacy.recipe.recipe import Recipe, parse_recipe


def load_recipes(entries: Sequence[dict[str, Any] | str], folder: Path) -> list[Recipe]:
    """`folder` is where relative paths start. Raises ERR-RECIPE, or ERR-APPLY_FILE also for two of one id."""
    recipes = []
    for entry in entries:
        try:
            recipes.append(_load(entry, folder))
        except ConnectorError as error:
            name = entry if isinstance(entry, str) else str(entry.get("id", "?"))
            raise ConnectorError(error.code, f"recipe {name}: {error.detail}") from None
    require_different("recipes", [recipe.id for recipe in recipes])
    return recipes


def _load(entry: dict[str, Any] | str, folder: Path) -> Recipe:
    if isinstance(entry, dict):
        return parse_recipe(json.dumps(entry, ensure_ascii=False, default=str))
    try:
        return parse_recipe((folder / entry).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConnectorError("ERR-APPLY_FILE", f"cannot be read: {type(error).__name__}") from None
