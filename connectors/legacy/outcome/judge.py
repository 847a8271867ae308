"""How a sign-in went, told from the legacy system's answer: by the recipe's conditions, else by how such systems speak.

What cannot be told is `unknown`: it freezes nothing, and nothing is tried again either (DESIGN §4.15). A refused
captcha or message code is `unknown` too: it says nothing about the password.
"""

from connectors.legacy.outcome.answer import Answer, Outcome, Result, SignInResponse
from connectors.legacy.outcome.conditions import holds
from connectors.legacy.outcome.conventions import by_convention, said_on_page
from connectors.legacy.outcome.message import SystemMessage, message_by_convention
from connectors.legacy.recipe.recipe import Recipe

__all__ = ["Outcome", "Result", "SignInResponse", "judge", "judge_message", "refusal_on"]

# What is worst to overlook is asked first.
_ORDER: tuple[Result, ...] = ("locked", "expired", "failure", "success")


def judge(recipe: Recipe | None, response: SignInResponse) -> Outcome:
    """The result of the sign-in request that `response` answers, and why. Never raises, whatever the system sent."""
    answer = Answer(response)
    return _by_recipe(recipe, answer) or by_convention(answer)


def judge_message(recipe: Recipe | None, message: SystemMessage, url: str) -> Outcome:
    """The same for a message that answers a sign-in over the socket at `url`. A recipe's conditions are held against
    the whole of its JSON document."""
    return _by_recipe(recipe, message.answer(url)) or message_by_convention(message, url)


def refusal_on(page: bytes, url: str, charset: str | None) -> Outcome | None:
    """What a page to which a sign-in has led says against it, in words; None where it says nothing."""
    said = said_on_page(Answer(SignInResponse(200, {"content-type": "text/html"}, url, page, charset)))
    return said if said is not None and said.result != "unknown" else None


def _by_recipe(recipe: Recipe | None, answer: Answer) -> Outcome | None:
    if recipe is None:
        return None
    for result in _ORDER:
        for number, condition in enumerate(getattr(recipe.outcome, result), 1):
            if holds(condition, answer):
                return Outcome(result, f"the recipe's {result} condition {number} holds")
    return None
