"""Documents as they stand in the database."""

import json
from typing import Any


def to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
