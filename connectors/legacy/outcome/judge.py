"""How a sign-in went, told from the legacy system's answer: by the recipe's conditions, else by how such systems speak.

What cannot be told is `unknown`: it freezes nothing, and nothing is tried again either (DESIGN §4.15). A refused
captcha or message code is `unknown` too: it says nothing about the password.
"""

from connectors.legacy.outcome.answer import Answer, Outcome, Result, SignInResponse
from connectors.legacy.outcome.conditions import holds
from connectors.legacy.outcome.conventions import by_convention, said_on_page
from connectors.legacy.recipe.recipe import Recipe

__all__ = ["Outcome", "Result", "SignInResponse", "judge", "refusal_on"]

# What is worst to overlook is asked first.
_ORDER: tuple[Result, ...] = ("locked", "expired", "failure", "success")


def judge(recipe: Recipe | None, response: SignInResponse) -> Outcome:
    """The result of the sign-in request that `response` answers, and why. Never raises, whatever the system sent."""
    answer = Answer(response)
    if recipe is not None:
        for result in _ORDER:
            for number, condition in enumerate(getattr(recipe.outcome, result), 1):
                if holds(condition, answer):
                    return Outcome(result, f"the recipe's {result} condition {number} holds")
    return by_convention(answer)


def refusal_on(page: bytes, url: str, charset: str | None) -> Outcome | None:
    """What a page to which a sign-in has led says against it, in words; None where it says nothing."""
    said = said_on_page(Answer(SignInResponse(200, {"content-type": "text/html"}, url, page, charset)))
    return said if said is not None and said.result != "unknown" else None
