"""The file that describes a county (docs/apply.md). Parsed once, at the edge; the JSON Schema is made from here."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors.apply.secrets import OptionalSecret, Secret
from connectors.errors import ConnectorError
from connectors.registration import LocalName, SystemRegistration
from connectors.yaml_text import Limits, TextError, read_yaml
from sso.access import AccessRule

_LIMITS = Limits(size=8 * 1024 * 1024, depth=24, aliased=100_000)

# What a column of either database holds.
Order = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, coerce_numbers_to_str=True)


class OrganisationEntry(_Part):
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    name: str = Field(min_length=1, max_length=100)
    kind: Literal["area", "unit", "office", "subordinate", "virtual"] = Field(
        "unit", description="区域 / 单位 / 科室 / 下属单位 / 虚拟组织"
    )
    level: Literal["sheng", "shi", "xian", "zhen", "cun"] | None = Field(None, description="省 / 市 / 县 / 镇 / 村")
    code: str | None = Field(None, description="Division code, 12 digits")
    full_name: str | None = Field(None, description="全称")
    unified_code: str | None = Field(None, description="统一社会信用代码, 18 characters (GB 32100)")
    parent: str | None = Field(None, description="Id of the organisation above; it must stand earlier or exist")
    order: Order = 0


class PostEntry(_Part):
    organisation: str
    title: str = Field("", max_length=50)
    main: bool = False
    since: date | None = Field(None, alias="from")
    until: date | None = None
    order: Order = Field(0, description="Where the person stands among those of the organisation")


class TotpSeed(_Part):
    secret: Secret = Field(description="The shared seed, base32 (RFC 6238)")


class UserEntry(_Part):
    username: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=50)
    password: Secret | None = Field(None, description="Left out: an existing user keeps theirs, a new one gets none")
    must_change_password: bool = Field(False, description="The password is a first one, to be changed at sign-in")
    totp: Literal["off", "required"] | TotpSeed | None = Field(
        None, description="off; required (enrols at the next sign-in); or a given seed. Left out: as it is"
    )
    roles: tuple[Literal["cadre", "steward", "system_admin", "security_admin", "audit_admin"], ...] = ("cadre",)
    posts: tuple[PostEntry, ...] = ()
    email: str | None = None
    mobile: str | None = None
    second_mobile: str | None = None
    short_number: str | None = Field(None, description="短号, 3-8 digits")
    employee_number: str | None = None
    id_card: OptionalSecret | None = Field(None, description="An empty text removes it")
    title: str | None = Field(None, description="职务")
    status: Literal["active", "disabled"] = "active"

    @field_validator("totp", mode="before")
    @classmethod
    def _read_switch(cls, value: Any) -> Any:
        """YAML 1.1 reads a bare `off` or `on` as a truth value."""
        return {False: "off", True: "required", "on": "required"}.get(value, value) if _is_plain(value) else value


class ClientEntry(BaseModel):
    """An OpenID Connect client: our own fields, and beside them any client metadata of RFC 7591 §2."""

    model_config = ConfigDict(extra="allow", frozen=True)

    client_id: str = Field(min_length=1, max_length=255)
    client_secret: Secret | None = None
    name: LocalName | None = None
    policy: Literal["oidc", "strict"] = "strict"
    owner: str | None = Field(None, description="Id of the organisation that owns the client")
    first_party: bool = Field(False, description="Consent is not asked: the client is the county's own")
    access: AccessRule = Field(default_factory=AccessRule)
    status: Literal["active", "disabled"] = "active"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The RFC 7591 members, as given."""
        return self.model_extra or {}


class SystemEntry(SystemRegistration):
    rebinds_from: str | None = Field(
        None,
        description="The address before `upstream`: accounts sealed for it are sealed again, for `upstream`",
    )

    @field_validator("rebinds_from")
    @classmethod
    def _check_rebinds_from(cls, value: str | None) -> str | None:
        return cls._check_upstream(value)

    @property
    def registration(self) -> SystemRegistration:
        """What the inventory keeps."""
        return SystemRegistration.model_validate(self.model_dump(exclude={"rebinds_from"}))


class ItemOwner(_Part):
    user: str | None = Field(None, description="Username")
    organisation: str | None = Field(None, description="Id of the organisation that has custody")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.user is None) == (self.organisation is None):
            raise ValueError("give exactly one of `user` and `organisation`")
        return self


class ItemEntry(_Part):
    system: str = Field(description="Slug of the system")
    owner: ItemOwner
    login: str = Field(min_length=1, max_length=200, description="The user name at the system")
    password: Secret
    label: str = Field("", max_length=60)


class County(_Part):
    """Everything `yimen apply` can make true. Order within a list does not matter, but for parents before children."""

    version: Literal[1] = 1
    organisations: tuple[OrganisationEntry, ...] = ()
    users: tuple[UserEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()
    recipes: tuple[dict[str, Any] | str, ...] = Field((), description="A recipe, or the path of its YAML file")
    systems: tuple[SystemEntry, ...] = ()
    items: tuple[ItemEntry, ...] = ()


def parse_county(text: str) -> County:
    """A County of YAML (or JSON) text. Raises ERR-APPLY_FILE naming every place that is wrong; never its values."""
    try:
        document, _ = read_yaml(text, _LIMITS)
    except TextError as error:
        field = f"{error.field}: " if error.field else ""
        raise ConnectorError("ERR-APPLY_FILE", f"line {error.line}: {field}{error.message}") from None
    if not isinstance(document, dict):
        raise ConnectorError("ERR-APPLY_FILE", "the file must hold a mapping, e.g. `version: 1`")
    return _validated(document)


def _validated(document: Mapping[str, Any]) -> County:
    try:
        return County.model_validate(document)
    except ValidationError as error:
        places = [
            f"{_place(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        raise ConnectorError("ERR-APPLY_FILE", "; ".join(dict.fromkeys(places))) from None


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | str)


def _place(location: tuple[int | str, ...]) -> str:
    """`users[2].posts[0].title`, without the names of union branches that pydantic puts in."""
    branches = {"SecretSource", "function-plain[", "TotpSeed"}
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part not in branches and not str(part).startswith(("function-", "literal[", "constrained-", "lax-or")):
            text += f".{part}" if text else str(part)
    return text or "document"
