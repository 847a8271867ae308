"""Helm, where it is to be had."""

import pytest

from tests.deploy.chart import Helm, find_helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    found = find_helm()
    if found is None:
        pytest.skip("there is no helm: `make tools` builds it, where Go is installed")
    return found
