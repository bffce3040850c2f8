"""The workers of pytest-xdist, which belong to one run and share the controller's ledger.

A worker on another host cannot open the controller's ledger, so it has a ledger of its own, with a
reaper there. The controller cannot read that ledger; at the end it looks for the run's stamp in the
cloud.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.cleanup import Ledger, LedgerRow, ledger_path
from pytest_osfutures.plugin.fixtures import ITEM
from pytest_osfutures.plugin.live_line import live_line_of
from pytest_osfutures.plugin.progress import WorkersProgress
from pytest_osfutures.plugin.run_id import FORKED, directory, identity, run_id, worker_id

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

#: Seconds for which a worker waits until its controller has joined the run.
CONTROLLER_TIMEOUT = 10.0
#: Seconds between two readings of the ledger meanwhile: SQLite tells no other process of a change.
LEDGER_CHECK_SECONDS = 0.01
#: The evidence of tests that have ended their workers, by the ids of the tests.
CRASH_EVIDENCE: pytest.StashKey[dict[str, str]] = pytest.StashKey()
#: The line about the waits of all workers; None without a terminal.
PROGRESS: pytest.StashKey[WorkersProgress | None] = pytest.StashKey()
NODES: pytest.StashKey[list[Any]] = pytest.StashKey()
#: Documents of the spans of workers whose ledgers the controller cannot read.
SPANS: pytest.StashKey[list[str]] = pytest.StashKey()


def configure_node(node: Any) -> None:
    """Send a new worker the id of the run and the path of the controller's ledger."""
    config = node.config
    node.workerinput["osfutures_run"] = run_id(config)
    node.workerinput["osfutures_controller"] = str(os.getpid())
    node.workerinput["osfutures_live"] = workers_progress(config) is not None
    if config.option.dist == "each":  # then all workers run the same tests
        node.workerinput["osfutures_each"] = f"-{node.workerinput['workerid']}"
    with suppress(pytest.UsageError):  # raised again where the ledger is needed
        path = ledger_path(directory(config), run_id(config))
        node.workerinput["osfutures_ledger"] = identity(path)
    config.stash.setdefault(NODES, []).append(node)


def workers_progress(config: pytest.Config) -> WorkersProgress | None:
    """Return the line of this controller about its workers; None without a terminal."""
    if PROGRESS not in config.stash:
        line = live_line_of(config)
        config.stash[PROGRESS] = None if line is None else WorkersProgress(line)
    return config.stash[PROGRESS]


def announce_run(run_session: RunSession, item: pytest.Item) -> None:
    """Let the controller join the run before this worker creates its first resource.

    pytest-xdist carries nothing but reports from a worker to its controller while tests run, so
    the message is a report.
    """
    ledger = run_session.ledger
    if ledger.path is None:
        return
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "setup", osfutures_run=ledger.run
    )
    config: Any = item.config  # with the attribute `workerinput`, which pytest-xdist adds
    config.hook.pytest_runtest_logreport(report=report)
    controller = config.workerinput["osfutures_controller"]
    end = time.monotonic() + CONTROLLER_TIMEOUT
    with run_session.progress.during("waiting for the controller of pytest-xdist"):
        while not ledger.is_partial and controller not in ledger.processes():
            if time.monotonic() > end:
                break
            time.sleep(LEDGER_CHECK_SECONDS)  # no message of xdist reaches a worker during a test


def send_message(config: pytest.Config, text: str) -> None:
    """Let the controller print one line while the test of this worker runs."""
    item, text = config.stash[ITEM], f"{worker_id(config)}: {text}"
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "setup", osfutures_message=text
    )
    config.hook.pytest_runtest_logreport(report=report)


def send_waits(config: pytest.Config, state: list[Any]) -> None:
    """Let the controller show the waits of this worker."""
    item = config.stash[ITEM]
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "setup",
        osfutures_waits=[worker_id(config), state],
    )  # fmt: skip
    config.hook.pytest_runtest_logreport(report=report)


def send_crash_evidence(item: pytest.Item, text: str) -> None:
    """Send the controller the evidence for the report of a test that ends this worker."""
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "setup", osfutures_crash_evidence=text
    )
    item.config.hook.pytest_runtest_logreport(report=report)


def coming_tests(item: pytest.Item) -> list[pytest.Item]:
    """Return the tests that this process will run after `item`, in their order.

    A worker knows the tests that its controller has sent; more may come.
    """
    items = item.session.items
    if not worker_id(item.config):
        return items[items.index(item) + 1 :] if item in items else []
    plugins: list[Any] = list(item.config.pluginmanager.get_plugins())
    worker = next((each for each in plugins if hasattr(each, "torun")), None)
    if worker is None:
        return []
    with worker.torun.lock() as indices:
        coming = [worker.nextitem_index, *indices]
    return [items[each] for each in coming if isinstance(each, int)]


def report_to_controller(config: Any, run_session: RunSession) -> None:
    """Send the controller failed deletions and, if it cannot read the ledger, the rows for it.

    These are the kept resources and the spans. A worker calls this when its session ends.
    """
    failures = run_session.background.take_failures()
    config.workeroutput["osfutures_failures"] = [tuple(each) for each in failures]
    config.workeroutput["osfutures_requests"] = run_session.cloud.requests
    ledger = run_session.ledger
    if ledger.is_partial or ledger.path is None:
        config.workeroutput["osfutures_spans"] = ledger.spans()
    if run_session.ledger.is_partial:
        kept = run_session.ledger.rows("kept")
        config.workeroutput["osfutures_kept"] = [astuple(row) for row in kept]


def collect_spans(node: Any) -> None:
    """Keep the spans that a worker has sent."""
    spans = getattr(node, "workeroutput", {}).pop("osfutures_spans", [])
    node.config.stash.setdefault(SPANS, []).extend(spans)


def collect(node: Any, ledger: Ledger) -> None:
    """Copy the kept resources of a worker that has ended into the controller's ledger."""
    for row in getattr(node, "workeroutput", {}).get("osfutures_kept", ()):
        ledger.import_row(LedgerRow(*row))


def requests_of_workers(config: pytest.Config) -> int | None:
    """Return the number of API requests of all workers; None if one has not told its number."""
    outputs = [getattr(node, "workeroutput", None) for node in config.stash.get(NODES, [])]
    if FORKED in config.stash or any(each is None for each in outputs):
        return None
    return sum(int(each.get("osfutures_requests", 0)) for each in outputs if each is not None)


def has_other_processes(config: pytest.Config) -> bool:
    """Return True if tests of this run have run in workers or forked children."""
    return NODES in config.stash or FORKED in config.stash


def remote_workers(config: pytest.Config, ledger: Ledger) -> tuple[list[str], list[str]]:
    """Return the workers with a ledger of their own, and those that may have had one and died."""
    apart, lost = [], []
    joined = ledger.workers()
    for node in config.stash.get(NODES, []):
        collect(node, ledger)  # `pytest_testnodedown` is not called in an interrupted run
        name = str(node.workerinput["workerid"])
        output = getattr(node, "workeroutput", None)
        if output is not None and "osfutures_kept" in output:
            apart.append(name)
        elif output is None and name not in joined and not _is_local(node.gateway.spec):
            lost.append(name)
    return apart, lost


def _is_local(spec: Any) -> bool:
    """Return True if a worker sees the same files as the controller."""
    return bool(spec.popen) and not (spec.via or spec.chdir or spec.env)
