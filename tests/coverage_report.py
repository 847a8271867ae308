"""How much of each package the tests of a run went through, told at its end: `pytest -p tests.coverage_report`.

What servers under test execute, in processes of their own, is not counted: the rates are lower bounds. The plugin is
imported before the product, so that what is executed by an import counts.
"""

import os
import shutil
import tempfile

import pytest

from tests.lines import FOLDER, measured, rates


class _Run:
    """This process's part of the run; the one that began it tells of all."""

    def __init__(self) -> None:
        self._is_first = FOLDER not in os.environ
        if self._is_first:
            os.environ[FOLDER] = tempfile.mkdtemp(prefix="yimen-coverage-")
        self._folder = os.environ[FOLDER]
        self._measuring = measured()
        self._measuring.__enter__()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._measuring.__exit__(None, None, None)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._is_first:
            return
        terminalreporter.section("lines gone through, without those of servers under test")
        for package, lines, gone_through in rates(self._folder):
            terminalreporter.write_line(f"{package:<12}{gone_through / lines:6.1%} of {lines}")
        del os.environ[FOLDER]
        shutil.rmtree(self._folder)


_run = _Run()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_run)
