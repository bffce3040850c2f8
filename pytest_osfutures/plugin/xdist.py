"""The workers of pytest-xdist: of one run and one ledger, but for those on other hosts.

A worker that cannot get at the controller's ledger has one beside it, with a reaper there. The
controller cannot read that; so at the end it looks for the run's stamp in the cloud.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.cleanup import Ledger, LedgerRow, ledger_path
from pytest_osfutures.plugin.run_id import directory, identity, run_id

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

#: Seconds that a worker waits for its controller to join the run.
CONTROLLER_TIMEOUT = 10.0
NODES: pytest.StashKey[list[Any]] = pytest.StashKey()


def configure_node(node: Any) -> None:
    """Tell a new worker which run it is of, and where the controller's ledger will be."""
    config = node.config
    node.workerinput["osfutures_run"] = run_id(config)
    node.workerinput["osfutures_controller"] = str(os.getpid())
    with suppress(pytest.UsageError):  # whoever needs a ledger will say so
        path = ledger_path(directory(config), run_id(config))
        node.workerinput["osfutures_ledger"] = identity(path)
    config.stash.setdefault(NODES, []).append(node)


def announce_run(run_session: RunSession, item: pytest.Item) -> None:
    """In a worker that is about to use the cloud: let the controller join the run first.

    xdist carries nothing but reports from a worker to its controller, so this is one.
    """
    ledger = run_session.ledger
    if ledger.path is None:
        return
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "setup", osfutures_run=ledger.run
    )
    item.config.hook.pytest_runtest_logreport(report=report)
    controller = item.config.workerinput["osfutures_controller"]  # type: ignore[attr-defined]
    end = time.monotonic() + CONTROLLER_TIMEOUT
    while not ledger.part and controller not in ledger.processes() and time.monotonic() < end:
        time.sleep(0.01)


def report_to_controller(config: Any, run_session: RunSession) -> None:
    """In a worker that ends: tell the controller what it cannot know."""
    config.workeroutput["osfutures_failures"] = run_session.background.failures()
    if run_session.ledger.part:
        config.workeroutput["osfutures_kept"] = [
            astuple(row) for row in run_session.ledger.rows("kept")
        ]


def collect(node: Any, ledger: Ledger) -> None:
    """In the controller: a worker has ended; note what is to be kept of it."""
    for row in getattr(node, "workeroutput", {}).get("osfutures_kept", ()):
        ledger.import_row(LedgerRow(*row))


def remote_workers(config: pytest.Config, ledger: Ledger) -> tuple[list[str], list[str]]:
    """The workers with a ledger of their own, and those that may have one and are lost."""
    apart, lost = [], []
    joined = ledger.workers()
    for node in config.stash.get(NODES, []):
        collect(node, ledger)  # an interrupted run may not have come to it
        name = str(node.workerinput["workerid"])
        said = getattr(node, "workeroutput", None)
        if said is not None and "osfutures_kept" in said:
            apart.append(name)
        elif said is None and name not in joined and not _is_here(node.gateway.spec):
            lost.append(name)
    return apart, lost


def _is_here(spec: Any) -> bool:
    """Whether a worker sees what the controller does."""
    return bool(spec.popen) and not (spec.via or spec.chdir or spec.env)
