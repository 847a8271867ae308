"""Trying a recipe on the real login page: what it finds there, and one single sign-in when somebody asks for it.

Enters: an address, an account, perhaps a recipe. Leaves: how a sign-in there went, without a browser. The one who tries
types the password; nothing of it is kept. A captcha is never answered, a refusal never tried again (DESIGN §4.15,
§4.18).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from connectors.errors import ConnectorError
from connectors.gateway.wire.visitor import Fetched, Visitor
from connectors.legacy.filling.plan import FillPlan, Target, fill_plan
from connectors.legacy.outcome.answer import Outcome, SignInResponse
from connectors.legacy.outcome.judge import judge
from connectors.legacy.page.detect import DetectedForm, detect
from connectors.legacy.page.document import Document
from connectors.legacy.page.submission import Body, form_fields, json_body, multipart, urlencoded
from connectors.legacy.page.walk import read_page
from connectors.legacy.recipe.parts import ResponseVariable
from connectors.legacy.recipe.recipe import PasswordPlace, Recipe
from connectors.legacy.recipe.variables import from_cookies, from_page, from_request, from_response, require_variables
from connectors.origin import ExactOrigin
from vault.keys.suites import wipe

Fields = Sequence[tuple[str, str | int | bool | bytearray]]


@dataclass(frozen=True)
class LoginPage:
    """The page as it was fetched, what the recipe plans there, and the variables that are known so far."""

    fetched: Fetched
    plan: FillPlan
    variables: dict[str, str]


async def detect_at(visitor: Visitor, url: str) -> tuple[DetectedForm, str] | None:
    """The login form at `url`, or in one of its frames of the same origin, and the address of the page it is in."""
    fetched = await visitor.page(url)
    found = detect(fetched.body, fetched.url, fetched.charset)
    if found is None or found.fields:
        return (found, fetched.url) if found is not None else None
    for address in found.frames:
        if ExactOrigin.parse(address) == ExactOrigin.parse(fetched.url):
            frame = await visitor.page(address)
            inner = detect(frame.body, frame.url, frame.charset)
            if inner is not None and inner.fields:
                return inner, frame.url
    return found, fetched.url


async def look(visitor: Visitor, recipe: Recipe, url: str) -> LoginPage:
    """Fetches the login page. Raises ERR-RECIPE_TRY when the recipe finds no login there."""
    fetched = await visitor.page(url)
    plan = fill_plan(recipe, fetched.body, fetched.url, fetched.charset)
    if plan is None:
        raise ConnectorError("ERR-RECIPE_TRY", f"the recipe finds no login at {fetched.url}")
    variables = from_page(recipe, fetched.body, fetched.charset)
    for variable in recipe.variables.values():
        if isinstance(variable, ResponseVariable) and "*" not in variable.path:
            answer = await visitor.send("GET", urljoin(fetched.url, variable.path))
            variables |= from_response(recipe, answer.url, answer.body, answer.charset)
    variables |= from_cookies(recipe, visitor.cookies(fetched.url))
    return LoginPage(fetched, plan, variables)


async def sign_in_once(visitor: Visitor, recipe: Recipe, page: LoginPage, login: str, password: bytearray) -> Outcome:
    """Sends one sign-in request and judges the answer. Raises ERR-RECIPE_TRY where only a person could sign in."""
    if page.plan.person:
        needed = ", ".join(one.label or one.placeholder or one.name or one.role for one in page.plan.person)
        raise ConnectorError("ERR-RECIPE_TRY", f"only a person can give: {needed}; try it in the browser")
    address = _address(recipe, page)
    fields = _fields(recipe, page, login)
    variables = page.variables | from_request(recipe, dict(fields)) | {"username": login}
    require_variables(recipe, variables)
    values = [(one.field, one.transform.apply(password, variables)) for one in _places(recipe, page.plan)]
    body = _body(recipe, page, [*fields, *values])
    try:
        answer = await visitor.send(
            recipe.request.method,
            address,
            body=body.content,
            content_type=body.content_type,
            referrer=page.fetched.url,
        )
    finally:
        for _, value in values:
            wipe(value)
        wipe(body.content)
    return judge(
        recipe,
        SignInResponse(answer.status, answer.headers, answer.url, answer.body, answer.charset, page.fetched.url),
    )


def _address(recipe: Recipe, page: LoginPage) -> str:
    wanted = recipe.request.path
    address = urljoin(page.fetched.url, wanted) if wanted and "*" not in wanted else page.plan.action
    query = {name: value for name, value in recipe.request.query.items() if value != "*"}
    if query and "?" not in address:
        address = f"{address}?{urlencode(query)}"
    if ExactOrigin.parse(address) != ExactOrigin.parse(page.fetched.url):
        raise ConnectorError("ERR-RECIPE_TRY", "the sign-in request would leave the page's origin")
    return address


def _fields(recipe: Recipe, page: LoginPage, login: str) -> list[tuple[str, str | int | bool]]:
    """Everything but the password."""
    if recipe.request.is_message:
        raise ConnectorError("ERR-RECIPE_TRY", "a sign-in over a socket is tried by opening the system")
    name = recipe.request.username_field or _name_of(page.plan.username)
    if not name:
        raise ConnectorError("ERR-RECIPE_TRY", "the user name's field has no name: say `request.username_field`")
    if recipe.request.content == "json":
        return [*recipe.request.constant.items(), (name, login)]
    constant = [(key, _said(value)) for key, value in recipe.request.constant.items()]
    document = Document(page.fetched.body, page.fetched.charset)
    form = document.first(page.plan.form) if page.plan.form else None
    submit = page.plan.submit.selector if page.plan.submit else None
    kept = form_fields(read_page(document), form, submit)
    taken = {name, *recipe.request.constant, *(one.field for one in _places(recipe, page.plan))}
    return [*((key, value) for key, value in kept if key not in taken), *constant, (name, login)]


def _said(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _places(recipe: Recipe, plan: FillPlan) -> Sequence[PasswordPlace]:
    if recipe.password_places:
        return recipe.password_places
    name = _name_of(plan.password)
    if not name:
        raise ConnectorError("ERR-RECIPE_TRY", "the password's field has no name: say `request.password_field`")
    return (PasswordPlace(name, recipe.compiled_transform),)


def _name_of(target: Target | None) -> str:
    return target.name if target is not None else ""


def _body(recipe: Recipe, page: LoginPage, fields: Fields) -> Body:
    kind = recipe.request.content
    if kind == "json":
        return json_body(fields)
    texts = [(name, value if isinstance(value, bytearray) else _said(value)) for name, value in fields]
    if kind == "multipart" or (kind == "auto" and page.plan.enctype.startswith("multipart/")):
        return multipart(texts, page.plan.charset)
    return urlencoded(texts, page.plan.charset)
