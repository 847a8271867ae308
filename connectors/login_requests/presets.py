"""What the form of a login page presets: texts that stand beside the password without any script having written them.

They are read from the page as the server sent it, before the dummy existed, and count only in the request that this
very form makes. They are labels, not programs: a text with quotes, braces, markup or lines is none (a template or a
query could make something of the password).
"""

import re
from collections.abc import Mapping
from typing import Self
from urllib.parse import urldefrag

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import ConnectorError
from connectors.legacy.filling.plan import FillPlan
from connectors.login_requests.form import KINDS
from connectors.login_requests.learning import is_said_by_program
from connectors.login_requests.request import Kind, RequestLine
from connectors.origin import ExactOrigin

_LABEL = re.compile(r"[\w \u3000\u00b7\uff08\uff09\u3001\uff0c\uff1a()\[\]_+/=.:@,~!*|&#-]{1,120}\Z")


class Presets(BaseModel):
    """The request that the form makes, and by the name of each field the labels that it presets."""

    model_config = ConfigDict(frozen=True)

    line: RequestLine | None = None
    kind: Kind | None = None
    labels: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @classmethod
    def of(cls, plan: FillPlan) -> Self:
        """Empty where the form presets nothing, or sends nothing by itself that could be a sign-in."""
        labels = {name: found for name, values in plan.presets.items() if (found := _labels(name, values))}
        kind = KINDS.get(plan.enctype)
        if not labels or plan.method != "POST" or kind is None:
            return cls()
        address = urldefrag(plan.action).url
        try:
            origin = str(ExactOrigin.parse(address))
        except ConnectorError:
            return cls()
        return cls(line=RequestLine.parse(origin, "POST", address), kind=kind, labels=labels)

    def beside(self, line: RequestLine, kind: Kind) -> Mapping[str, tuple[str, ...]]:
        """The labels that may stand in this request; none where it is not the form's own."""
        return self.labels if (line, kind) == (self.line, self.kind) else {}


def _labels(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the values for which it matters that the form presets them."""
    return tuple(value for value in values if _LABEL.match(value) and not is_said_by_program(name, value))
