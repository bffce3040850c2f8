"""Seeded runs of the real engine against the fake cloud; `tox -e soak` runs fifty times as many."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import CancelledError
from dataclasses import fields
from random import Random

import pytest

from pytest_osfutures.calls import attempts
from pytest_osfutures.calls.decide import decide, is_ambiguous
from pytest_osfutures.calls.request import Failure, RetryDecision
from pytest_osfutures.engine import monitor
from pytest_osfutures.errors import (
    AmbiguousRequest,
    ObjectCreationError,
    OperationFailed,
    OperationTimeout,
    QuotaExceeded,
    ResourceVanished,
)
from pytest_osfutures.futures import Promise
from pytest_osfutures.operations.judge import Succeeded
from tests.sim.fault_profile import FaultProfile
from tests.sim.run import run
from tests.sim.world import BrokenPromiseError, World

OPERATIONS = 500
NO_FAULTS = FaultProfile()


def environment(hash_seed: str) -> dict[str, str]:
    """Return the environment of a process that repeats a run."""
    path = os.pathsep.join(sys.path)
    return {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}


@pytest.fixture(scope="module")
def output() -> str:
    """Return the output of 38 runs, each with a fault profile of its own."""
    command = [sys.executable, "-m", "tests.sim", "--runs", "38", "--operations", "500"]
    command += ["--processes", str(os.cpu_count() or 1)]
    done = subprocess.run(
        command, env=environment("0"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counted(text: str, title: str) -> dict[str, int]:
    """The counts in the line that begins with `title`."""
    line = next(line for line in text.splitlines() if line.startswith(f"{title}: "))
    return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", line)}


def test_twenty_thousand_operations_break_no_promise(output: str) -> None:
    operations = re.search(r"(\d+) operations in .*; 0 runs broken", output)
    assert operations is not None, output
    assert int(operations[1]) >= 20_000


def test_every_fault_is_injected(output: str) -> None:
    injected = counted(output, "faults")
    for fault in fields(FaultProfile):
        assert injected.get(fault.name, 0) >= 5, fault.name
    assert injected["overtaken"] > 1000  # answers in another order than their requests


def test_operations_end_in_every_way(output: str) -> None:
    endings = counted(output, "endings")
    ours = (OperationTimeout, ObjectCreationError, OperationFailed, ResourceVanished)
    others = (AmbiguousRequest, QuotaExceeded, CancelledError)
    assert {"success", *(kind.__name__ for kind in (*ours, *others))} <= set(endings)


def test_without_faults_only_short_deadlines_are_missed() -> None:
    endings = run(1, OPERATIONS, NO_FAULTS).endings
    assert set(endings) <= {"success", "OperationTimeout", "CancelledError"}
    assert endings["success"] > OPERATIONS * 0.7


def test_a_seed_gives_the_same_history_in_every_process() -> None:
    program = "from tests.sim.run import run; print(run(7, 200).digest)"
    digests = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment(hash_seed),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert digests[0] == digests[1] != ""


def test_a_broken_promise_prints_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        monitor,
        "verdict_of",
        lambda evidence, final=False: Succeeded({"id": evidence.variables["id"]}),
    )
    with pytest.raises(BrokenPromiseError, match=r"python -m tests\.sim --seed 5 --operations 50"):
        run(5, 50, NO_FAULTS)


def test_a_future_without_a_deadline_that_never_ends_is_caught() -> None:
    world = World(0, NO_FAULTS)
    promise: Promise[None] = Promise(world.engine)
    world.track(promise.future)
    with pytest.raises(BrokenPromiseError, match="never ended"):
        world.check_the_end()
    promise.set_result(None)
    world.check_the_end()


def believe_lost_requests_did_not_arrive(
    monkeypatch: pytest.MonkeyPatch, decision: RetryDecision
) -> None:
    """Answer each lost request with `decision`, and never look for its resource."""

    def careless(failure: Failure, wanted: bool | None, failed: int) -> RetryDecision:
        lost = is_ambiguous(failure.exchange)
        return decision if lost else decide(failure, wanted, failed)

    monkeypatch.setattr(attempts, "needs_reconciliation", lambda failure: False)
    monkeypatch.setattr(attempts, "decide", careless)


@pytest.mark.parametrize("seed", range(1, 6))
def test_an_engine_that_sends_lost_requests_again_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    believe_lost_requests_did_not_arrive(monkeypatch, RetryDecision.AGAIN)
    with pytest.raises(BrokenPromiseError, match=r"^operation [0-9a-f]+ has made "):
        run(seed, OPERATIONS, FaultProfile(lost_after=0.2))


@pytest.mark.parametrize("seed", range(1, 6))
def test_an_undo_that_does_not_look_for_a_lost_request_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    believe_lost_requests_did_not_arrive(monkeypatch, RetryDecision.GIVE_UP)
    with pytest.raises(BrokenPromiseError, match="ended as a success, but there is "):
        run(seed, OPERATIONS, FaultProfile(lost_after=0.2))


def test_each_seed_has_its_own_fault_profile() -> None:
    drawn = {str(FaultProfile.drawn(Random(seed))) for seed in range(40)}
    assert len(drawn) == 40
