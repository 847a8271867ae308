"""Whether a recipe's condition holds for an answer."""

from functools import lru_cache

from connectors.legacy.outcome.answer import Answer
from connectors.legacy.patterns import Pattern
from connectors.legacy.recipe.globs import matches_path
from connectors.legacy.recipe.parts import Condition
from connectors.legacy.recipe.pointers import value_at


def holds(condition: Condition, answer: Answer) -> bool:
    """True when everything the condition says is so."""
    return all(
        (
            not condition.status or answer.status in condition.status,
            condition.location is None or (answer.location != "" and matches_path(condition.location, answer.location)),
            condition.path is None or matches_path(condition.path, answer.response.url),
            condition.text is None or condition.text in answer.text,
            condition.regex is None or _compiled(condition.regex).search(answer.text) is not None,
            condition.pointer is None or _at_pointer(condition, answer),
            condition.cookie is None or condition.cookie in answer.cookies,
        )
    )


@lru_cache(maxsize=512)
def _compiled(regex: str) -> Pattern:
    return Pattern(regex)


def _at_pointer(condition: Condition, answer: Answer) -> bool:
    try:
        value = value_at(answer.json, condition.pointer or "")
    except KeyError:
        return False
    if condition.equals is None:
        return value is not None
    # In Python True == 1; in JSON they differ.
    return type(value) is type(condition.equals) and bool(value == condition.equals)
