"""The periodic work is a worker's: placed where its process is composed, and over when the process is."""

import asyncio

import pytest
from starlette.types import Message

from core.settings import Settings
from web.app import ProcessKind, YimenApp
from web.periodic import EVERY


def under_way() -> set[str]:
    names = {task.get_name() for task in asyncio.all_tasks()}
    return {name.removeprefix("job:") for name in names if name.startswith("job:")}


@pytest.mark.parametrize(("kind", "work"), [("worker", set(EVERY)), ("identity", set()), ("gateway", set())])
async def test_only_a_worker_does_the_periodic_work_and_only_while_it_runs(
    settings: Settings, kind: ProcessKind, work: set[str]
) -> None:
    asked: asyncio.Queue[Message] = asyncio.Queue()
    told: asyncio.Queue[Message] = asyncio.Queue()
    process = asyncio.create_task(YimenApp(settings, kind)({"type": "lifespan"}, asked.get, told.put))
    await asked.put({"type": "lifespan.startup"})
    assert (await told.get())["type"] == "lifespan.startup.complete"
    assert under_way() == work
    await asked.put({"type": "lifespan.shutdown"})
    assert (await told.get())["type"] == "lifespan.shutdown.complete"
    assert under_way() == set()
    await process
