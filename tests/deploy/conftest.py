"""The image, made once by the steps of the Dockerfile, and Helm."""

import pytest

from tests.deploy.chart import ROOT, Helm, find_helm
from tests.deploy.dockerfile import Image, build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the image goes to one worker, so that it is made once."""
    for item in items:
        if "image" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("image"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(ROOT / "Dockerfile", tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def helm() -> Helm:
    found = find_helm()
    if found is None:
        pytest.skip("there is no helm: `make tools` builds it, where Go is installed")
    return found
