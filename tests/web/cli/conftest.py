"""`yimen …` in a process of its own, and a small county."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests import forked

COUNTY = """
version: 1
organisations: [{id: qx, name: 清溪县, kind: area, level: xian}]
users:
  - {username: lin, name: 林晓岚, password: Lan-ting-2026!, totp: "off", posts: [{organisation: qx, main: true}]}
  - {username: zhou, name: 周安, roles: [security_admin]}
systems:
  - {slug: zhihui, name: {zh: 智惠掌心}, way_in: [{kind: gateway}], upstream: "http://10.0.0.1", http_approved_by: zhou}
items: [{system: zhihui, owner: {user: lin}, login: lin, password: legacy-password}]
"""

Yimen = Callable[..., Awaitable[tuple[int | None, str, str]]]


@pytest.fixture
def yimen(tmp_path: Path, database_url: str) -> Yimen:
    """Runs `yimen …` in a process of its own; gives exit status, output and errors."""

    async def run(*arguments: str, given: str = "", **settings: str) -> tuple[int | None, str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("YIMEN_")}
        own |= {
            "YIMEN_DATA_DIR": str(tmp_path / "data"),
            "YIMEN_DATABASE_URL": database_url,
            "YIMEN_CUSTODIAN": "keyfile",
            **{f"YIMEN_{name.upper()}": value for name, value in settings.items()},
        }
        status, said, complained = await forked.run(arguments, own, given.encode(), lowered=True)
        return status, said.decode(), complained.decode()

    return run
