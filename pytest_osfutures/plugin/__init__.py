"""The pytest plugin: options, fixtures, and what holds them together.

pytest loads this in every run of every project that has the package installed, so it imports
nothing of OpenStack until a fixture or an option of it is used.
"""

from __future__ import annotations

import pytest

from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.fixtures import (
    CONNECTED,
    connection,
    os_cloud,
    os_servers,
    os_servers_class,
    os_servers_module,
    os_servers_session,
    os_volumes,
    os_volumes_class,
    os_volumes_module,
    os_volumes_session,
    wants_cloud,
)

__all__ = [
    "os_cloud",
    "os_servers",
    "os_servers_class",
    "os_servers_module",
    "os_servers_session",
    "os_volumes",
    "os_volumes_class",
    "os_volumes_module",
    "os_volumes_session",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    options.declare(parser)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which cloud is tested, if one was asked for."""
    name = config.getoption("os_cloud")
    return f"osfutures: cloud {name}" if name else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """A cloud that was asked for on the command line has to be there before anything is run."""
    config = session.config
    if config.getoption("os_cloud") and not config.getoption("collectonly"):
        connection(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """A cloud that the tests need has to be there before the first of them is run."""
    config = session.config
    if config.getoption("collectonly") or hasattr(config, "workerinput"):
        return
    if any(wants_cloud(item) for item in session.items):
        connection(config)  # raises UsageError: exit status 4, before anything was made


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the cloud."""
    if CONNECTED in config.stash:
        del config.stash[CONNECTED]
