"""Imports that cost time or need an extra are made when they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLIENTS = {"cinderclient", "keystoneauth1", "novaclient", "openstack", "requests"}


@pytest.mark.parametrize(
    "program",
    [
        "import pytest_osfutures",
        "from pytest_osfutures import Engine, OperationFuture, Poll, Retry, gather",
        "import pytest_osfutures.calls, pytest_osfutures.cleanup, pytest_osfutures.clients",
        "import pytest_osfutures.commands.main, pytest_osfutures.commands.reaper",
    ],
)
def test_an_import_loads_no_client_library(program: str) -> None:
    code = f"import sys; {program}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pytest_osfutures" in done.stdout.split()
    assert not CLIENTS & set(done.stdout.split())


def test_a_waiting_reaper_loads_neither_engine_nor_transport() -> None:
    """A reaper waits for as long as its run lives, beside each run."""
    code = "import sys; import pytest_osfutures.commands.reaper; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pytest_osfutures.cleanup.reaper" in loaded
    assert not {"pytest_osfutures.engine", "pytest_osfutures.transport", "asyncio"} & loaded
