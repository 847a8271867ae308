"""Secrets of the county file: in the file itself, in an environment variable, or in a file of their own."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.errors import ConnectorError

_LONGEST = 64 * 1024


class SecretSource(BaseModel):
    """A secret that stands elsewhere: an environment variable, or a file whose last line break is dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of `env` and `file`")
        return self

    def __str__(self) -> str:
        return str(self.file) if self.file is not None else f"the environment variable {self.env}"

    def read(self) -> str:
        """Raises ERR-APPLY_SECRET when there is nothing, or nothing that could be typed."""
        text = self._text()
        if not text:
            raise ConnectorError("ERR-APPLY_SECRET", f"{self} is empty")
        if len(text) > _LONGEST or "\x00" in text or not _is_unicode(text):
            raise ConnectorError("ERR-APPLY_SECRET", f"{self} holds no text that could be a secret")
        return text

    def _text(self) -> str:
        try:
            if self.file is not None:
                with self.file.open(encoding="utf-8") as file:
                    return file.read(_LONGEST + 2).rstrip("\n")
            return os.environ[self.env or ""]
        except KeyError:
            raise ConnectorError("ERR-APPLY_SECRET", f"{self} is not set") from None
        except (OSError, ValueError) as error:
            raise ConnectorError("ERR-APPLY_SECRET", f"{self}: {type(error).__name__}") from None


def _not_empty(secret: SecretStr | SecretSource) -> SecretStr | SecretSource:
    if isinstance(secret, SecretStr) and not secret.get_secret_value():
        raise ValueError("is empty")
    return secret


OptionalSecret = SecretStr | SecretSource
Secret = Annotated[
    Annotated[SecretStr, Field(json_schema_extra={"minLength": 1})] | SecretSource, AfterValidator(_not_empty)
]


def reveal(secret: SecretStr | SecretSource, field: str) -> str:
    """The secret itself. Raises ERR-APPLY_SECRET naming the field it is for."""
    if isinstance(secret, SecretStr):
        return secret.get_secret_value()
    try:
        return secret.read()
    except ConnectorError as error:
        raise ConnectorError(error.code, f"{field}: {error.detail}") from None


def _is_unicode(text: str) -> bool:
    """False for what was no UTF-8: Python gives bytes of the environment that are none as lone surrogates."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
