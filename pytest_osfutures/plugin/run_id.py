"""Which run this process is of, and where its ledger is; this loads nothing of OpenStack."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from pytest_osfutures.plugin import options

RUN: pytest.StashKey[str] = pytest.StashKey()
#: The process in which pytest was started; a test may run in a fork of it.
MAIN: pytest.StashKey[int] = pytest.StashKey()


def run_id(config: pytest.Config) -> str:
    """This run's name, the same in all workers of xdist."""
    if RUN not in config.stash:
        from pytest_osfutures.stamp import new_id

        given = getattr(config, "workerinput", {}).get("osfutures_run")
        config.stash[RUN] = given or options.RUN.value(config) or new_id()
    return config.stash[RUN]


def worker_id(config: pytest.Config) -> str:
    """The name of this worker of xdist; empty without xdist and in its controller."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def is_forked(config: pytest.Config) -> bool:
    """Whether this process is a fork of the one in which pytest was started."""
    return os.getpid() != config.stash.get(MAIN, os.getpid())


def directory(config: pytest.Config) -> Path:
    """The ledgers' directory. Raises pytest.UsageError if there is none."""
    from pytest_osfutures.cleanup import ledger_directory
    from pytest_osfutures.errors import InvalidArgument

    try:
        return ledger_directory(options.LEDGER.value(config))
    except InvalidArgument as error:
        raise pytest.UsageError(str(error)) from None


def identity(path: Path) -> str:
    """Host and path of a ledger, for workers to compare."""
    return f"{socket.gethostname()}:{path}"


def say(config: pytest.Config, text: str) -> None:
    """One line on the terminal; of a worker of xdist on the terminal of its controller."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    with nullcontext() if capture is None else capture.global_and_fixture_disabled():
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(f"osfutures: {text}")
        elif worker := worker_id(config):
            print(f"osfutures: {worker}: {text}", file=sys.__stderr__, flush=True)
