"""Fixtures for runs of pytest with another plugin."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import http_cloud, no_clouds, served

__all__ = ["Run", "http_cloud", "no_clouds", "run", "served"]


class Run:
    """Runs pytest in a process of its own, with this plugin, pytest-xdist and one more."""

    def __init__(self, pytester: pytest.Pytester, cloud: str) -> None:
        self._pytester = pytester
        self._cloud = cloud

    def __call__(self, plugin: str, text: str, *arguments: str) -> pytest.RunResult:
        """Run a suite.

        Args:
            plugin: the module of the other plugin; "" for none.
            text: the suite.
            arguments: further arguments of pytest.
        """
        self._pytester.makepyfile(test_it=text)
        plugins = [part for each in ("xdist", plugin) if each for part in ("-p", each)]
        place = f"--os-ledger={self._pytester.path}"
        return self._pytester.runpytest_subprocess(
            "-p", "osfutures", *plugins, f"--os-cloud={self._cloud}", place, *arguments
        )


@pytest.fixture
def run(pytester: pytest.Pytester, http_cloud: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the runner; no plugin is loaded by its mere installation."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Run(pytester, http_cloud)
