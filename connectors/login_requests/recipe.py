"""The login request that a recipe describes."""

from collections.abc import Sequence

from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.request import LoginRequest


def requests_of_recipe(recipe: Recipe, origin: str) -> Sequence[LoginRequest]:
    """One where the author names the request and the place; else the page's own form, or a supervised sign-in, says
    where, and the recipe only how the password is made."""
    asked = recipe.request
    if asked.path is None or asked.password_field is None:
        return []
    return [
        LoginRequest(
            origin=origin,
            method=asked.method,
            path=asked.path,
            kind=None if asked.content == "auto" else asked.content,
            username=asked.username_field,
            passwords={asked.password_field: recipe.compiled_transform.expression},
            is_pattern=True,
        )
    ]
