"""How the processes of `yimen serve` are run."""

import pytest

from core.settings import Settings
from web.cli.serve import server_options


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_a_busy_machine_makes_slow_to_start_is_waited_for(workers: int) -> None:
    """uvicorn's master kills a worker that has not answered its health check in time: 5 s, unless told otherwise."""
    assert server_options(Settings(workers=workers))["timeout_worker_healthcheck"] >= 60
