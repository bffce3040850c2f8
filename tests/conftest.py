"""Marks for whole folders of tests, and a check that tests leave no process behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

#: Minutes of simulated faults, and runs of pytest that are killed.
SLOW = frozenset({"chaos", "sim"})
HERE = Path(__file__).parent
#: The variable by which a process is known as started by the tests, however it left its parent.
STARTED_BY = "OSFUTURES_STARTED_BY"
#: Seconds in which a process that a test has ended, or a reaper whose run is over, has to be gone.
GONE_WITHIN = 30.0


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow folders."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def _no_process_is_left() -> Iterator[None]:
    """Fail the last test if a process that the tests started, such as a reaper, is still alive."""
    os.environ[STARTED_BY] = str(os.getpid())
    yield
    end = time.monotonic() + GONE_WITHIN
    while (left := processes_started_by(os.getpid())) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left, f"the tests have left processes: {left}"


def processes_started_by(test_process: int) -> dict[int, str]:
    """Return the command lines, by process id, of living processes that a test process started."""
    mark = f"{STARTED_BY}={test_process}".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                # multiprocessing's own helper lives as long as the process that uses it.
                if "multiprocessing.resource_tracker" not in line:
                    found[int(folder.name)] = line
    return found
