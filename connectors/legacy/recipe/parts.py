"""The parts of a recipe: locators, the sign-in request, variables, and the conditions an answer is judged by."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from connectors.errors import ConnectorError
from connectors.legacy.patterns import Pattern, PatternError
from connectors.legacy.recipe.pointers import is_pointer
from connectors.legacy.recipe.transforms import compile_transform

ContentKind = Literal["auto", "urlencoded", "multipart", "json", "message", "socket.io", "sockjs", "signalr"]
# Messages of a socket; their places, as those of a JSON body, are JSON pointers.
_MESSAGE_KINDS = frozenset({"message", "socket.io", "sockjs", "signalr"})


class Part(BaseModel):
    """Strict: an unknown field is a mistake that must be seen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, coerce_numbers_to_str=True)


def check_glob(value: str) -> str:
    """A path pattern (connectors/legacy/globs.py). Raises ValueError."""
    if not value.startswith(("/", "*", "http://", "https://")) or len(value.split()) != 1 or value != value.strip():
        raise ValueError("a path pattern starts with / or * and has no white space, e.g. /login*")
    return value


def _check_regex(value: str) -> str:
    try:
        Pattern(value)
    except PatternError as error:
        raise ValueError(f"not a regular expression of RE2 (it has no look-around): {error}") from None
    return value


def check_transform(value: str) -> str:
    """An expression of transforms. Raises ValueError."""
    try:
        compile_transform(value)
    except ConnectorError as error:
        raise ValueError(error.detail) from None
    return value


def _check_pointer(value: str) -> str:
    if not is_pointer(value):
        raise ValueError("a JSON pointer starts with /, e.g. /data/token (RFC 6901)")
    return value


Glob = Annotated[str, Field(min_length=1, max_length=300)]
Regex = Annotated[str, Field(min_length=1, max_length=300)]


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


Statuses = Annotated[tuple[int, ...], BeforeValidator(_one_or_more, json_schema_input_type=int | tuple[int, ...])]


class Locator(Part):
    """How an element of the page is known. Everything that is given must hold; a bare string is a selector."""

    selector: str | None = Field(None, min_length=1, max_length=300, description="CSS selector")
    name: str | None = Field(None, min_length=1, max_length=100, description="Its `name` attribute")
    placeholder: str | None = Field(None, min_length=1, max_length=100, description="A part of its placeholder")
    label: str | None = Field(None, min_length=1, max_length=100, description="A part of the text that labels it")

    @model_validator(mode="before")
    @classmethod
    def _read_selector(cls, value: Any) -> Any:
        return {"selector": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "description": "A CSS selector"}, handler(core)]}

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not (self.selector or self.name or self.placeholder or self.label):
            raise ValueError("give at least one of `selector`, `name`, `placeholder` and `label`")
        return self


class PasswordField(Part):
    """One of several places of the password; a bare string is its field. `transform`: left out, the recipe's."""

    field: str = Field(min_length=1, max_length=200, description="Form field, or JSON pointer")
    transform: str | None = Field(None, max_length=500, description="What the page's script makes of it for this field")

    @model_validator(mode="before")
    @classmethod
    def _read_field(cls, value: Any) -> Any:
        return {"field": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "description": "A field"}, handler(core)]}

    @field_validator("transform")
    @classmethod
    def _transform_compiles(cls, value: str | None) -> str | None:
        return value if value is None else check_transform(value)


class SignInRequest(Part):
    """Which request of the page carries the credential, and where. Left out: any request that holds the dummy.

    `query` and `constant` tell it from the other requests that go to the same path.
    """

    path: Glob | None = Field(None, description="Pattern of its path")
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    content: ContentKind = "auto"
    username_field: str | None = Field(None, max_length=200, description="Form field, or JSON pointer")
    password_field: str | None = Field(
        None, max_length=200, description="Form field, or JSON pointer; left out: where the dummy is found"
    )
    password_fields: tuple[PasswordField, ...] = Field(
        (), max_length=8, description="In place of `password_field`, where the page writes it into several"
    )
    query: dict[Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, description="Names of its query and their values; `*` for any value"
    )
    constant: dict[Annotated[str, Field(min_length=1, max_length=200)], str | int | bool] = Field(
        default_factory=dict, description="Form fields, or JSON pointers, and the values they always have"
    )

    @field_validator("path")
    @classmethod
    def _path_is_glob(cls, value: str | None) -> str | None:
        return value if value is None else check_glob(value)

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.password_field is not None and self.password_fields:
            raise ValueError("give `password_field` or `password_fields`, not both")
        names = [one.field for one in self.password_fields]
        if len(set(names)) < len(names):
            raise ValueError("`password_fields` names a field twice")
        if any(one in self.constant for one in (*names, self.password_field, self.username_field) if one is not None):
            raise ValueError("the fields of user name and password cannot be constant")
        if self.is_message and not self.constant:
            raise ValueError("a message of a socket is told from the others by `constant`, e.g. /0: login")
        return self

    @model_validator(mode="after")
    def _pointers_in_json(self) -> Self:
        if self.content == "json" or self.is_message:
            for name, value in self._places().items():
                if not value.startswith("/"):
                    raise ValueError(f"`{name}` of a JSON body is a JSON pointer, e.g. /password")
                _check_pointer(value)
        return self

    @property
    def is_message(self) -> bool:
        """The credential goes in a message of a socket."""
        return self.content in _MESSAGE_KINDS

    def _places(self) -> Mapping[str, str]:
        """Every field that is named, by where the recipe names it."""
        named = {"username_field": self.username_field, "password_field": self.password_field}
        return {
            **{name: value for name, value in named.items() if value is not None},
            **{f"password_fields.{number}": one.field for number, one in enumerate(self.password_fields)},
            **{f"constant.{name}": name for name in self.constant},
        }


class PageVariable(Part):
    """A value in the login page: of an element, or the first group of a regular expression over the source."""

    source: Literal["page"] = Field(alias="from")
    selector: str | None = Field(None, min_length=1, max_length=300)
    attribute: str = Field("value", min_length=1, max_length=60, description="`text` means the text inside")
    regex: Regex | None = None

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        return value if value is None else _check_regex(value)

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if self.selector is None and self.regex is None:
            raise ValueError("give `selector`, `regex` or both")
        return self


class ResponseVariable(Part):
    """A value in an earlier answer of the system, such as a public key the page fetches."""

    source: Literal["response"] = Field(alias="from")
    path: Glob
    pointer: str | None = Field(None, max_length=200, description="JSON pointer into the answer")
    regex: Regex | None = Field(None, description="First group, for an answer that is not JSON")

    @field_validator("path")
    @classmethod
    def _path_is_glob(cls, value: str) -> str:
        return check_glob(value)

    @field_validator("pointer")
    @classmethod
    def _pointer_is_one(cls, value: str | None) -> str | None:
        return value if value is None else _check_pointer(value)

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        return value if value is None else _check_regex(value)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.pointer is None) == (self.regex is None):
            raise ValueError("give exactly one of `pointer` and `regex`")
        return self


class CookieVariable(Part):
    """A cookie the system has set."""

    source: Literal["cookie"] = Field(alias="from")
    name: str = Field(min_length=1, max_length=100)


class RequestVariable(Part):
    """Another field of the sign-in request itself."""

    source: Literal["request"] = Field(alias="from")
    field: str = Field(min_length=1, max_length=200, description="Form field, or JSON pointer")


Variable = Annotated[PageVariable | ResponseVariable | CookieVariable | RequestVariable, Field(discriminator="source")]


class Condition(Part):
    """A look at the answer to the sign-in request. Everything that is given must hold."""

    status: Statuses = Field((), description="One HTTP status, or a list of which one holds")
    location: Glob | None = Field(None, description="Pattern of where a redirect leads")
    path: Glob | None = Field(None, description="Pattern of the path that was asked")
    text: str | None = Field(None, min_length=1, max_length=200, description="Words in the body")
    regex: Regex | None = Field(None, description="A regular expression found in the body")
    pointer: str | None = Field(None, max_length=200, description="JSON pointer into the body")
    equals: str | int | bool | None = Field(None, description="What `pointer` must give; left out: anything")
    cookie: str | None = Field(None, min_length=1, max_length=100, description="A cookie that the answer sets")

    @field_validator("location", "path")
    @classmethod
    def _is_glob(cls, value: str | None) -> str | None:
        return value if value is None else check_glob(value)

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        return value if value is None else _check_regex(value)

    @field_validator("pointer")
    @classmethod
    def _pointer_is_one(cls, value: str | None) -> str | None:
        return value if value is None else _check_pointer(value)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("an empty condition always holds; say what must be seen")
        if self.equals is not None and self.pointer is None:
            raise ValueError("`equals` needs `pointer`")
        return self


class OutcomeRules(Part):
    """How each result looks. The lists are asked in this order: locked, expired, failure, success; one entry is enough.

    Where none holds, the ordinary rules decide.
    """

    success: tuple[Condition, ...] = ()
    failure: tuple[Condition, ...] = ()
    locked: tuple[Condition, ...] = ()
    expired: tuple[Condition, ...] = ()
