"""The image: its steps make an application that runs away from the checkout, with all that it needs and no more."""

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.deploy.chart import ROOT
from tests.deploy.containers import Container
from tests.deploy.dockerfile import Image

PACKAGES = ("core", "vault", "sso", "connectors", "web")
# Of what lies beside the modules, only this is not needed to run: what the pages are built from.
SOURCES_OF_PAGES = "web/assets/"
HERE = {"host": "localhost:8000"}


@pytest.fixture(scope="session")
def wheel(image: Image) -> set[str]:
    """The names in the wheel that the image is installed from."""
    (path,) = (image.root.parent / "stage-install" / "wheels").glob("yimen-*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_the_wheel_has_every_file_of_the_packages(wheel: set[str]) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {name for name in listed.stdout.splitlines() if not name.startswith(SOURCES_OF_PAGES)}
    assert ours - wheel == set()
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel


def test_the_wheel_has_the_built_pages_packed_too(wheel: set[str], image: Image) -> None:
    built = image.root.parent / "stage-pages" / "src" / "web" / "static" / "built"
    names = {f"web/static/built/{path.name}" for path in built.iterdir()}
    assert "web/static/built/manifest.json" in names
    assert any(name.endswith(".gz") for name in names)
    assert names - wheel == set()


def test_the_wheel_has_nothing_else(wheel: set[str]) -> None:
    assert {name.partition("/")[0] for name in wheel if ".dist-info/" not in name} == set(PACKAGES)
    assert [name for name in wheel if name.startswith(SOURCES_OF_PAGES) or "node_modules" in name] == []


def test_what_is_installed_fits_together_and_leaves_out_tools_and_the_demo(image: Image) -> None:
    python = image.place("/opt/yimen/bin/python")
    build_pip = image.root.parent / "stage-install/opt/build/bin/pip"
    # The environment that pip stands in was put away with its stage; as a module of another interpreter it still runs.
    library = next((build_pip.parents[1] / "lib").glob("python*/site-packages"))
    checked = subprocess.run(
        [python, "-m", "pip", "check"], env={"PYTHONPATH": str(library)}, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    installed = {path.name for path in image.place("/opt/yimen/lib").glob("python*/site-packages/*")}
    assert "asyncpg" in installed
    assert installed & {"django", "httpx", "itsdangerous", "pip", "setuptools", "pytest", "demo", "tests"} == set()


async def test_a_container_without_any_setting_serves_the_portal(image: Image, tmp_path: Path) -> None:
    container = Container(image, tmp_path / "log", mounts={"/var/lib/yimen": tmp_path})
    portal, gateway = image.ports
    async with container.serving() as process:
        for port in (portal, gateway):
            await container.until(200, port, "/readyz", process)
        _, headers, page = await container.ask(portal, "/sign-in", **HERE)
        assert headers["content-type"].startswith("text/html")
        assets = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode()))
        assert assets
        for asset in assets:
            status, headers, content = await container.ask(portal, asset, **HERE, **{"accept-encoding": "gzip"})
            assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
            assert content
            assert headers.get("content-encoding", "identity") == ("identity" if asset.endswith(".png") else "gzip")
    assert (tmp_path / "yimen.db").exists()
    assert [line for line in container.said().splitlines() if json.loads(line)["level"] == "error"] == []


async def test_the_demo_is_said_to_be_left_out(image: Image, tmp_path: Path) -> None:
    container = Container(image, tmp_path / "log", arguments=["demo"], mounts={"/var/lib/yimen": tmp_path})
    assert await container.run() == 1
    assert "ERR-DEMO: the demo county is not installed" in container.said()


async def test_the_account_of_the_image_has_a_name_for_the_ledger(image: Image) -> None:
    """It has no entry in /etc/passwd."""
    assert image.user == "10001:10001"
    assert image.environment["USER"] == "yimen"
    assert image.environment["HOME"] == image.working_directory == image.environment["YIMEN_DATA_DIR"]
