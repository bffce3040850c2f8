"""The workers of pytest-xdist: of one run and one ledger, but for those on other hosts.

A worker that cannot get at the controller's ledger has one beside it, with a reaper there. The
controller cannot read that; so at the end it looks for the run's stamp in the cloud.
"""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.ledger import Ledger, Row
from pytest_osfutures.plugin.guard import Guard, identity, run_id

NODES: pytest.StashKey[list[Any]] = pytest.StashKey()


def introduce(node: Any, path: Path | None) -> None:
    """Tell a new worker which run it is of, and where the controller's ledger is.

    `path` is None on an embedded fake, of which each worker has its own.
    """
    node.workerinput["osfutures_run"] = run_id(node.config)
    if path is not None:
        node.workerinput["osfutures_ledger"] = identity(path)
        node.config.stash.setdefault(NODES, []).append(node)


def say_goodbye(config: Any, guard: Guard) -> None:
    """In a worker that ends: tell the controller what it cannot know."""
    config.workeroutput["osfutures_failures"] = guard.background.failures()
    if guard.ledger.part:
        config.workeroutput["osfutures_kept"] = [astuple(row) for row in guard.ledger.rows("kept")]


def hear(node: Any, ledger: Ledger) -> None:
    """In the controller: a worker has ended; note what is to be kept of it."""
    for row in getattr(node, "workeroutput", {}).get("osfutures_kept", ()):
        ledger.take_in(Row(*row))


def elsewhere(config: pytest.Config, ledger: Ledger) -> tuple[list[str], list[str]]:
    """The workers with a ledger of their own, and those that may have one and are lost."""
    apart, lost = [], []
    joined = ledger.workers()
    for node in config.stash.get(NODES, []):
        hear(node, ledger)  # an interrupted run may not have come to it
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
