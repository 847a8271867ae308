"""The login request that a recipe describes."""

from collections.abc import Sequence

from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.request import SOCKET, LoginRequest


def requests_of_recipe(recipe: Recipe, origin: str) -> Sequence[LoginRequest]:
    """One where the author names the request and its places; else the page's own form, or a supervised sign-in, says
    where, and the recipe only how the password is made."""
    asked, places = recipe.request, recipe.password_places
    if asked.path is None or not places:
        return []
    return [
        LoginRequest(
            origin=origin,
            method=SOCKET if asked.is_message else asked.method,
            path=asked.path,
            query={name: None if value == "*" else value for name, value in asked.query.items()},
            kind=None if asked.content == "auto" else asked.content,
            username=asked.username_field,
            passwords={place.field: place.transform.expression for place in places},
            constants={name: str(value) for name, value in asked.constant.items()},
            is_pattern=True,
        )
    ]
