"""The image, made once by the steps of the Dockerfile: tests/conftest.py keeps what stands here on one worker."""

import pytest

from tests.deploy.chart import ROOT
from tests.deploy.dockerfile import Image, build


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(ROOT / "Dockerfile", tmp_path_factory.mktemp("image"))
