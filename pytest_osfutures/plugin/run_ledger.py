"""The ledger of the run, and how this process joins the run.

The processes of a run are pytest, the controller and the workers of pytest-xdist, and forks for
single tests. While one of them lives, no other run cleans up after this run.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_osfutures.cleanup import Ledger, ledger_path
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.fixtures import IN_USE, current_run_session
from pytest_osfutures.plugin.run_id import (
    RUN,
    directory,
    identity,
    is_forked,
    run_id,
    say,
    worker_id,
)
from pytest_osfutures.scopes import handle_signals
from pytest_osfutures.stamp import new_id

JOINED_LEDGER: pytest.StashKey[Ledger] = pytest.StashKey()


def joined_ledger(config: pytest.Config) -> Ledger | None:
    """Return the ledger that this process has joined by `join_run`."""
    ledger = config.stash.get(JOINED_LEDGER, None)
    return ledger if ledger is not None and ledger.process == str(os.getpid()) else None


def join_run(config: pytest.Config) -> None:
    """Make this process one of the run's, without a connection to the cloud.

    The controller of pytest-xdist and the parent of forked children do so: resources of their
    workers and children are then deleted at the end of the whole run.

    Raises:
        pytest.UsageError: the ledger cannot be opened.
    """
    config.stash[IN_USE] = os.getpid()
    run_session = current_run_session(config)
    if run_session is not None:
        config.stash[JOINED_LEDGER] = run_session.ledger
    elif joined_ledger(config) is None:
        place = directory(config)
        with ledger_errors(place):
            ledger = Ledger(ledger_path(place, run_id(config)), run_id(config))
            config.stash[JOINED_LEDGER] = ledger
            check_run_id(config, ledger)
            ledger.join()
            check_locks(config, ledger)
        handle_signals()


def open_ledger(config: pytest.Config, cloud: Cloud) -> Ledger:
    """Open the ledger of the run and join the run.

    Where all other processes of the run are dead and the reaper is cleaning up, this process is
    the first of a new run.

    Raises:
        pytest.UsageError: the ledger cannot be opened, or --os-run names a run that is in use.
    """
    if cloud.fake is not None:
        return _join(config, cloud)
    with ledger_errors(directory(config)):
        return _join(config, cloud)


def _join(config: pytest.Config, cloud: Cloud) -> Ledger:
    project, parts = cloud.session.get_project_id() or "", 0
    while True:
        joined = joined_ledger(config)
        ledger = joined or _open(config, cloud, parts)
        if joined is None:
            check_run_id(config, ledger)
        if ledger.join(worker_id(config)):
            ledger.describe(cloud.name, cloud.auth_url, project)
            return ledger
        ledger.close()
        if ledger.is_partial:
            parts += 1
        else:
            config.stash[RUN] = new_id()


def _open(config: pytest.Config, cloud: Cloud, parts: int) -> Ledger:
    """Open the run's ledger; a worker on another host opens a ledger of its own for its part.

    Args:
        config: pytest's configuration.
        cloud: the cloud; the embedded fake has a ledger in memory.
        parts: number of ledgers on this host that the reaper has taken already.
    """
    run, place = run_id(config), directory(config)
    path: Path | None = None
    if cloud.fake is None:
        path = ledger_path(place, run)
        theirs = getattr(config, "workerinput", {}).get("osfutures_ledger")
        if theirs and theirs != identity(path):
            number = f".{parts}" if parts else ""
            path = ledger_path(place, run, socket.gethostname() + number)
    return Ledger(path, run)


@contextmanager
def ledger_errors(place: Path) -> Iterator[None]:
    """Turn errors of the file system and of sqlite into a pytest.UsageError of one sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise pytest.UsageError(
            f"--os-ledger: no ledger of the run can be kept in {place} ({error}); "
            "name a directory that can be written to, on a file system with locks"
        ) from None


def check_run_id(config: pytest.Config, ledger: Ledger) -> None:
    """Check that the id of --os-run belongs to no other run.

    Raises:
        pytest.UsageError: another run with this id lives, is being cleaned up or keeps resources.
    """
    if options.RUN.value(config) and not worker_id(config) and not is_forked(config):
        run = ledger.info()
        if run is not None and (ledger.living() or run.state != "running"):
            ledger.close()
            raise pytest.UsageError(
                f"--os-run: there is a run {ledger.run} already, which lives, is being cleaned up "
                "or has kept resources; give this run another id"
            )


def check_locks(config: pytest.Config, ledger: Ledger) -> bool:
    """Return True if file locks hold beside the ledger; print a warning if not.

    Locks of the kernel tell other processes that this process lives. Some network file systems
    have none, or give the same lock to several hosts.
    """
    hold = ledger.locks_hold and (is_forked(config) or ledger.check_lock())
    if not hold and ledger.path is not None:
        say(
            config,
            f"file locks do not hold in {ledger.path.parent}: another process could take the lock "
            "of this process. No reaper watches this run, and no other run cleans up after it; if "
            "it is killed, its resources go when their stamps expire, or by `osfutures reap --run "
            f"{ledger.run} --force`. --os-ledger DIR on a local disk lets a reaper watch.",
        )
    return hold
