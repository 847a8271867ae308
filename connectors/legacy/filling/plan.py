"""What the gateway does on a login page: what it fills, what it leaves to the person, who presses the button."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from connectors.errors import ConnectorError
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.detect import DetectedForm, Field, Role, detect_in, may_ask
from connectors.legacy.page.document import Document, attribute, brief_text_of, decode, has
from connectors.legacy.page.opener import opens_login
from connectors.legacy.page.presets import preset_values
from connectors.legacy.page.username_step import username_step
from connectors.legacy.page.walk import read_page
from connectors.legacy.recipe.globs import matches_path
from connectors.legacy.recipe.parts import Locator
from connectors.legacy.recipe.recipe import Recipe
from connectors.origin import ExactOrigin

_SHELL_TEXT = 400
_LARGEST_SHELL = 64 * 1024
_ANY_PASSWORD = 'input[type="password"]'


@dataclass(frozen=True)
class Target:
    """An element for the in-page script. `selector` is tried first; where it is None or finds nothing, the element is
    the visible one for which all that is given holds: `name` exactly, `placeholder` and `label` as a part. `hint`
    selects a field that gives way to this one when it gets the focus; empty where there is none.
    """

    role: Role
    selector: str | None
    name: str = ""
    placeholder: str = ""
    label: str = ""
    id: str = ""
    hint: str = ""


@dataclass(frozen=True)
class FillPlan:
    """`username` and `password` are filled; `person` lists what only the person can give. `submits`: the button may be
    pressed without the person. `waits`: the page's script makes the fields, so they are looked for until they appear.
    `steps`: this page asks for the user name first, and for the password after it, here or on the next page.
    `opener`: the page shows its login only when something that says so is pressed. `presets` are the values that the
    form comes with.
    """

    username: Target | None
    password: Target | None
    person: tuple[Target, ...]
    submit: Target | None
    submits: bool
    waits: bool
    form: str | None
    action: str
    method: str
    enctype: str
    charset: str
    why: str
    steps: bool = False
    opener: bool = False
    presets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def fill_plan(
    recipe: Recipe | None,
    html: str | bytes,
    url: str,
    charset: str | None = None,
    *,
    origins: Collection[ExactOrigin] = (),
) -> FillPlan | None:
    """The plan for this page; None when it is no login page, or its form leads to an origin that is neither the page's
    own nor one of `origins` (DESIGN §4.16)."""
    if recipe is not None and recipe.paths and not any(matches_path(glob, url) for glob in recipe.paths):
        return None
    text, known = decode(html, charset) if isinstance(html, bytes) else (html, charset)
    if recipe is None and len(text) > _LARGEST_SHELL and not may_ask(text):
        return None
    page = read_page(Document(text, known))
    detected = detect_in(page, url)
    found = detected if detected is not None and detected.fields else None
    if found is not None and not _stays(found.action, url, origins):
        return None
    if recipe is None:
        return _detected_plan(page, found) if found else _shell_plan(page, url)
    return _recipe_plan(recipe, page, found, url)


def step_plan(html: bytes, url: str, charset: str | None) -> FillPlan | None:
    """The plan for a page that asks for the user name first. Many a page does that for other ends, so it is only for
    the address where the system says its login page is."""
    found = username_step(html, url, charset)
    if found is None or found.username is None:
        return None
    plan = _scripted_plan(found.charset, url, found.why)
    return replace(plan, username=Target("username", found.username.selector), steps=True)


def opener_plan(html: bytes, url: str, charset: str | None) -> FillPlan | None:
    """The plan for a page whose script makes the login when a button that says so is pressed; for the address where the
    system says its login page is."""
    text, known = decode(html, charset)
    page = read_page(Document(text, known))
    if not opens_login(page):
        return None
    return _scripted_plan(page.document.charset, url, "a button of the page opens the login", opener=True)


def waiting_plan(html: bytes, url: str, charset: str | None) -> FillPlan | None:
    """The plan for the address where the system says its login page is, whatever stands there: a script may make the
    login yet, or show one that it hides."""
    text, known = decode(html, charset)
    if "<script" not in text.lower():
        return None
    return _scripted_plan(known or "utf-8", url, "the system says that its login is here")


def leads_elsewhere(html: bytes, url: str, charset: str | None, *, origins: Collection[ExactOrigin] = ()) -> str | None:
    """The address of a login form that leads out of the system, as far as its origin; None where there is none."""
    text, known = decode(html, charset)
    if not may_ask(text):
        return None
    found = detect_in(read_page(Document(text, known)), url)
    if found is None or not found.fields or _stays(found.action, url, origins):
        return None
    parts = urlsplit(found.action)
    return f"{parts.scheme}://{parts.netloc}"


def _stays(action: str, url: str, origins: Collection[ExactOrigin]) -> bool:
    try:
        return ExactOrigin.parse(action) in (ExactOrigin.parse(url), *origins)
    except ConnectorError:
        return False


def _detected_plan(page: Page, found: DetectedForm) -> FillPlan:
    person = tuple(_target(one) for one in found.fields if _is_the_persons(page.document, one))
    return FillPlan(
        username=_target(found.username) if found.username else None,
        password=_password_target(found),
        person=person,
        submit=_target(found.submit) if found.submit else None,
        submits=not person,
        waits=any(_is_component(one) for one in found.fields),
        form=found.form,
        action=found.action,
        method=found.method,
        enctype=found.enctype,
        charset=found.charset,
        why=found.why,
        steps=found.steps,
        opener=found.is_unseen and opens_login(page),
        presets=preset_values(page, found.form) if found.form is not None else {},
    )


def _shell_plan(page: Page, url: str) -> FillPlan | None:
    """A page that is empty until its script has run: whatever password field appears is the one."""
    if not _is_shell(page):
        return None
    return _scripted_plan(page.document.charset, url, "the page's script makes the fields", opener=opens_login(page))


def _scripted_plan(charset: str, url: str, why: str, *, opener: bool = False) -> FillPlan:
    return FillPlan(
        username=None,
        password=Target("password", _ANY_PASSWORD),
        person=(),
        submit=None,
        submits=True,
        waits=True,
        form=None,
        action=url,
        method="",
        enctype="",
        charset=charset,
        why=why,
        opener=opener,
    )


def _is_shell(page: Page) -> bool:
    body = page.document.tree.body
    if body is None or page.frames or not page.document.all("script"):
        return False
    if any(one.is_text or one.type == "password" for one in page.controls if not one.hidden):
        return False
    seen = 0
    for one in body.css("h1, p, li, td, a"):
        seen += len(brief_text_of(one))
        if seen >= _SHELL_TEXT:
            return False
    return True


def _recipe_plan(recipe: Recipe, page: Page, found: DetectedForm | None, url: str) -> FillPlan | None:
    username = _placed(page, recipe.username, "username") or _of(found, "username")
    password = _placed(page, recipe.password, "password") or _of(found, "password")
    waits = not _is_here(page, password) or (username is not None and not _is_here(page, username))
    if waits and not (recipe.paths or _is_shell(page)):
        return None
    person = tuple(_target(one) for one in (found.fields if found else ()) if _is_the_persons(page.document, one))
    if captcha := _placed(page, recipe.captcha, "captcha"):
        person = (captcha, *(one for one in person if one.role != "captcha"))
    submit = _placed(page, recipe.submit, "submit") or (_target(found.submit) if found and found.submit else None)
    return FillPlan(
        username=username,
        password=password or Target("password", _ANY_PASSWORD),
        person=person,
        submit=submit,
        submits=recipe.submits == "auto" and not person,
        waits=waits,
        form=found.form if found else None,
        action=found.action if found else url,
        method=found.method if found else "",
        enctype=found.enctype if found else "",
        charset=found.charset if found else page.document.charset,
        why=f"recipe {recipe.id}",
    )


def _of(found: DetectedForm | None, role: Literal["username", "password"]) -> Target | None:
    field = getattr(found, role) if found is not None else None
    return _target(field) if field is not None else None


def _placed(page: Page, locator: Locator | None, role: Role) -> Target | None:
    """The target of a locator: with the one selector of the element when it stands in the page already."""
    if locator is None:
        return None
    selector = locator.selector
    node = locate(page, locator)
    if node is not None:
        selector = page.document.selector_of(node.node)
    return Target(role, selector, locator.name or "", locator.placeholder or "", locator.label or "")


def locate(page: Page, locator: Locator) -> Control | None:
    """The control for which all of the locator holds; of several the first that is seen."""
    selected = None if locator.selector is None else {one.mem_id for one in page.document.all(locator.selector)}
    found = [
        control
        for control in page.controls
        if (selected is None or control.node.mem_id in selected)
        and (locator.name is None or control.get("name") == locator.name)
        and (locator.placeholder is None or locator.placeholder in control.placeholder)
        and (locator.label is None or locator.label in control.label)
    ]
    return next((one for one in found if not one.hidden), found[0] if found else None)


def _is_here(page: Page, target: Target | None) -> bool:
    return target is not None and target.selector is not None and page.document.first(target.selector) is not None


def _target(field: Field) -> Target:
    selector: str | None = field.selector or None
    if _is_component(field):
        # The component's own element goes; its input keeps the placeholder.
        quoted = field.placeholder.replace("\\", "\\\\").replace('"', '\\"')
        selector = f'input[placeholder="{quoted}"]' if quoted else None
        if selector is None and field.type == "password":
            selector = _ANY_PASSWORD
    return Target(field.role, selector, field.name, field.placeholder, field.label, field.id)


def _password_target(found: DetectedForm) -> Target | None:
    if found.password is None:
        return None
    target = _target(found.password)
    return replace(target, hint=found.hint.selector) if found.hint is not None else target


def _is_component(field: Field) -> bool:
    return "-" in field.tag and field.type != "slider" and field.role != "submit"


def _is_the_persons(document: Document, field: Field) -> bool:
    """Captchas, codes, sliders and names are the person's; so is a tenant, unless there is nothing left to choose."""
    if field.role in ("captcha", "otp", "person"):
        return True
    if field.role != "tenant":
        return False
    node = document.first(field.selector)
    options = node.css("option") if node is not None else []
    if any(has(one, "selected") and attribute(one, "value") for one in options):
        return False  # The system has chosen already.
    if node is not None and field.tag == "input" and attribute(node, "value"):
        return False
    return field.tag != "select" or sum(bool(one.attrs.get("value")) for one in options) > 1
