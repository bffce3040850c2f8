"""The id of the run, the role of this process, and the directory of the ledgers.

Nothing of OpenStack is imported here: pytest loads this module in every run.
"""

from __future__ import annotations

import os
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from pytest_osfutures.plugin import options

RUN: pytest.StashKey[str] = pytest.StashKey()
#: Id of the process in which pytest was started; a test may run in a fork of that process.
MAIN: pytest.StashKey[int] = pytest.StashKey()
#: Set if pytest-forked has run a test in a child process.
FORKED: pytest.StashKey[bool] = pytest.StashKey()


def run_id(config: pytest.Config) -> str:
    """Return the id of the run, the same in all workers of pytest-xdist."""
    if RUN not in config.stash:
        from pytest_osfutures.stamp import new_id

        given = getattr(config, "workerinput", {}).get("osfutures_run")
        config.stash[RUN] = given or options.RUN.value(config) or new_id()
    return config.stash[RUN]


def worker_id(config: pytest.Config) -> str:
    """Return the name of this worker of pytest-xdist; "" without xdist and in the controller."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def is_forked(config: pytest.Config) -> bool:
    """Return True if this process is a fork of the process in which pytest was started."""
    return os.getpid() != config.stash.get(MAIN, os.getpid())


def directory(config: pytest.Config) -> Path:
    """Return the directory of the ledgers.

    Raises:
        pytest.UsageError: there is no such directory.
    """
    from pytest_osfutures.cleanup import ledger_directory
    from pytest_osfutures.errors import InvalidArgument

    try:
        return ledger_directory(options.LEDGER.value(config))
    except InvalidArgument as error:
        raise pytest.UsageError(str(error)) from None


def identity(path: Path) -> str:
    """Return host and path of a ledger, by which a worker knows the controller's ledger."""
    return f"{socket.gethostname()}:{path}"


def say(config: pytest.Config, text: str) -> None:
    """Print one line on the terminal; the terminal of a worker of pytest-xdist shows nothing.

    Output is captured while a test runs, so capturing is disabled for the line.
    """
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    with nullcontext() if capture is None else capture.global_and_fixture_disabled():
        if terminal is not None:
            terminal.ensure_newline()
            writer = config.get_terminal_writer()
            if writer.width_of_current_line:  # the dots of pytest-xdist, which have no file's name
                writer.line()
            terminal.write_line(f"osfutures: {text}")
