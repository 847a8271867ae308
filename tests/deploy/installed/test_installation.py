"""An installation of the chart with what it requires and nothing more: every container's own command, with its own
variables and folders, on PostgreSQL. Only the cluster around them is played."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.deploy.chart import RELEASE, Helm, of_kind, pods
from tests.deploy.cluster import Cluster, Pod, ThroughTheIngress
from tests.deploy.dockerfile import Image
from tests.postgres import Postgres
from tests.web.agent import Agent

PERSON = "203.0.113.7"


@pytest.fixture
async def address_of_a_database(postgres: Postgres) -> str:
    """Without a table yet."""
    name = f"county_{secrets.token_hex(6)}"
    await postgres.run(f"CREATE DATABASE {name}")
    return postgres.address(name)


@pytest.fixture
def cluster(image: Image, helm: Helm, address_of_a_database: str, tmp_path: Path) -> Cluster:
    """With the two Secrets that an operator makes."""
    root_key = base64.b64encode(secrets.token_bytes(32)).decode()
    made = {"yimen-database": {"url": address_of_a_database}, "yimen-root-key": {"root-2026-11-23": root_key}}
    # The ingress stands on this machine, as all of it does.
    return Cluster(image, tmp_path, helm.render("required", trustedProxies="127.0.0.0/8"), made)


@pytest.fixture
async def installed(cluster: Cluster) -> Cluster:
    """After the hooks."""
    cluster.take_secrets()
    job = cluster.pod(pods(cluster.manifests)[f"{RELEASE}-migrate"], "install")
    assert await job.container.run() == 0, job.container.said()
    assert "three administrators were created" in job.container.said()
    return cluster


@pytest.fixture
async def running(installed: Cluster) -> AsyncIterator[list[Pod]]:
    """One pod of each Deployment, ready."""
    deployments = of_kind(installed.manifests, "Deployment")
    started = [installed.pod(one["spec"]["template"], name) for name, one in deployments.items()]
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(pod.container.serving()) for pod in started]
        for pod, process in zip(started, processes, strict=True):
            await pod.until_ready(process)
        yield started


@pytest.fixture
def read_only_root(image: Image) -> Iterator[None]:
    """Nothing of the image is changed. (Where Python cannot keep what it compiled, it does without.)"""
    before = files_of(image)
    yield
    assert files_of(image) == before


@pytest.mark.usefixtures("read_only_root")
async def test_what_is_installed_runs(installed: Cluster, running: list[Pod]) -> None:
    await an_administrator_signs_in_with_what_the_secret_says(installed, running)
    await every_gateway_host_is_the_gateways(installed, running)
    await the_operator_reads_the_ledger_in_a_pod(installed)
    await an_upgrade_needs_no_passwords(installed)
    assert [str(path) for pod in running for path in pod.container.mounts["/var/lib/yimen"].iterdir()] == []


async def an_administrator_signs_in_with_what_the_secret_says(cluster: Cluster, running: list[Pod]) -> None:
    transport = ThroughTheIngress(cluster, running, PERSON)
    async with Agent(httpx.AsyncClient(base_url="https://sso.example.gov.cn", transport=transport)) as agent:
        password = cluster.secrets[f"{RELEASE}-first-sign-in"]["sysadmin"]
        page = await agent.follow(await agent.sign_in("sysadmin", password))
        assert page.status_code == 200
        assert 'id="password-submit"' in page.text, "it must be changed first"


async def every_gateway_host_is_the_gateways(cluster: Cluster, running: list[Pod]) -> None:
    transport = ThroughTheIngress(cluster, running, PERSON)
    async with httpx.AsyncClient(base_url="https://oa.gw.example.gov.cn", transport=transport) as client:
        answer = await client.get("/.yimen/callback")
        assert answer.status_code not in (421, 503), answer.text


async def the_operator_reads_the_ledger_in_a_pod(cluster: Cluster) -> None:
    """Which knows from where the person came, for the ingress is trusted to say it."""
    assert "/ledger+" in await said_by("key", "audit", "key", cluster=cluster)
    assert PERSON in await said_by("export", "audit", "export", "--format", "csv", cluster=cluster)


async def said_by(name: str, *arguments: str, cluster: Cluster) -> str:
    """What a command says that is executed in a worker's pod."""
    inside = cluster.pod(pods(cluster.manifests)[f"{RELEASE}-worker"], name, arguments=list(arguments))
    assert await inside.container.run() == 0, inside.container.said()
    return inside.container.said()


async def an_upgrade_needs_no_passwords(cluster: Cluster) -> None:
    del cluster.secrets[f"{RELEASE}-first-sign-in"]
    job = cluster.pod(pods(cluster.manifests)[f"{RELEASE}-migrate"], "upgrade")
    assert await job.container.run() == 0, job.container.said()
    assert "already at" in job.container.said()
    assert "administrators" not in job.container.said()


def files_of(image: Image) -> set[tuple[str, int]]:
    found = (path for path in image.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {(str(path), path.stat().st_mtime_ns) for path in found}
