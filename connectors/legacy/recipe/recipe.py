"""The recipe: a description of one legacy login, for pages that detection cannot guess (docs/recipes.md).

It names no origin: the system it is used for does, so the same product at thirty towns needs one recipe.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from connectors.errors import ConnectorError
from connectors.legacy.recipe.parts import (
    Glob,
    Locator,
    OutcomeRules,
    Part,
    SignInRequest,
    Variable,
    check_glob,
    check_transform,
)
from connectors.legacy.recipe.text import RecipeText, TextError, read_text
from connectors.legacy.recipe.transforms import Transform, compile_transform

Submits = Literal["auto", "person"]

_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,39}$"
_UNION_BRANCHES = frozenset({"page", "response", "cookie", "request", "str", "int", "bool"})


@dataclass(frozen=True)
class PasswordPlace:
    """A form field, or a JSON pointer, and what of the password stands there."""

    field: str
    transform: Transform


class Recipe(Part):
    """One legacy login. Everything but `id` may be left out: detection fills what is missing."""

    version: int = Field(
        1, ge=1, description="The author's number of this text; the store counts its changes by itself"
    )
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str = Field("", max_length=100)
    paths: tuple[Glob, ...] = Field((), description="Where the login page is; empty: wherever one is detected")
    username: Locator | None = None
    password: Locator | None = None
    captcha: Locator | None = Field(None, description="What only the person can fill: captcha or message code")
    submit: Locator | None = None
    submits: Submits = Field("auto", description="`person`: the page is filled, the person presses the button")
    request: SignInRequest = Field(default_factory=SignInRequest)
    transform: str = Field("plain", max_length=500, description="What the page's script makes of the password")
    variables: dict[Annotated[str, Field(pattern=_NAME)], Variable] = Field(default_factory=dict)
    outcome: OutcomeRules = Field(default_factory=OutcomeRules)

    @field_validator("paths")
    @classmethod
    def _paths_are_globs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_glob(path) for path in value)

    @field_validator("transform")
    @classmethod
    def _transform_compiles(cls, value: str) -> str:
        return check_transform(value)

    @model_validator(mode="after")
    def _variables_are_known(self) -> Self:
        transforms = [self.compiled_transform, *(one.transform for one in self.password_places)]
        needed = frozenset().union(*(one.variables for one in transforms)) - {"username"}
        if missing := sorted(needed - self.variables.keys()):
            raise ValueError(f"the transform uses {', '.join(missing)}, which `variables` does not define")
        if unused := sorted(self.variables.keys() - needed):
            raise ValueError(f"the transform does not use {', '.join(unused)}")
        return self

    @cached_property
    def compiled_transform(self) -> Transform:
        return compile_transform(self.transform)

    @cached_property
    def password_places(self) -> tuple[PasswordPlace, ...]:
        """Where the sign-in request carries the password, and what stands there; empty where the recipe says nothing:
        then it is where the dummy is found."""
        if self.request.password_field is not None:
            return (PasswordPlace(self.request.password_field, self.compiled_transform),)
        return tuple(
            PasswordPlace(one.field, compile_transform(one.transform) if one.transform else self.compiled_transform)
            for one in self.request.password_fields
        )

    @cached_property
    def canonical(self) -> str:
        """The one JSON text of this recipe. Defaults are left out, so the format can grow without changing hashes."""
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"id": self.id}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text, hex. Tickets are bound to it."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Problem:
    """What is wrong in a recipe file, and where; `line` counts from 1."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{where}: {self.message}"


def check_recipe(text: str) -> tuple[Recipe | None, Sequence[Problem]]:
    """A Recipe of YAML (or JSON) text, or everything that is wrong with it."""
    try:
        read = read_text(text)
    except TextError as error:
        return None, [Problem(error.line, error.field, error.message)]
    try:
        return Recipe.model_validate(read.document), ()
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)
        return None, sorted({_problem(read, one["loc"], one["msg"]) for one in found}, key=lambda one: one.line)


def parse_recipe(text: str) -> Recipe:
    """A Recipe of YAML (or JSON) text. Raises ERR-RECIPE that names every line and field that is wrong."""
    recipe, problems = check_recipe(text)
    if recipe is None:
        raise ConnectorError("ERR-RECIPE", "; ".join(map(str, problems)))
    return recipe


def _problem(read: RecipeText, location: tuple[int | str, ...], message: str) -> Problem:
    """pydantic puts the names of union branches into a location; the file knows none of them."""
    path: tuple[int | str, ...] = ()
    for part in location:
        if (*path, part) in read.lines or part not in _UNION_BRANCHES:
            path = (*path, part)
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return Problem(read.line_of(path), field, message.removeprefix("Value error, "))


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Recipe.model_json_schema(by_alias=True)
