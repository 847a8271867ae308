"""What a page puts to its dummy before hashing: the variables of a recipe by their names, or, where there is none,
every short text that the page had at hand, to be tried."""

from collections.abc import Mapping, Sequence

from connectors.gateway.session.fills import Fill
from connectors.gateway.swap.body import ParsedBody
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.variables import from_cookies, from_request


def salts_for(fill: Fill, body: ParsedBody, cookies: Mapping[str, str]) -> Sequence[str]:
    """Those of the page first; then the request's other values, and the cookies."""
    return [*fill.variables.values(), *(place.value or "" for place in body.places), *cookies.values()]


def variables_for(
    recipe: Recipe, fill: Fill, body: ParsedBody, cookies: Mapping[str, str], login: str | None
) -> Mapping[str, str]:
    """The values of the recipe's variables, as far as they are there."""
    sent = {place.name: place.value for place in body.places if place.value is not None}
    if body.kind == "json":
        sent |= {name.removeprefix("/"): value for name, value in sent.items()}
    found = {**fill.variables, **from_cookies(recipe, cookies), **from_request(recipe, sent)}
    return found | ({"username": login} if login is not None else {})
