"""The wait for a usable server, stepped on a clock that jumps, with scripted tries and reads."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from pytest_osfutures import ready
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import (
    EngineError,
    NotReady,
    OperationFailed,
    OperationTimeout,
    OSFuturesError,
    Readiness,
    ResourceVanished,
)
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.policy import Poll
from pytest_osfutures.ready.addresses import Address
from pytest_osfutures.ready.conditions import NetworkCondition
from pytest_osfutures.ready.outcome import Met, Never, NotYet, Outcome
from pytest_osfutures.ready.wait import ReadyWait, Target
from tests.unit.scripted import SERVER, Ends, World, server

ADDRESSES = {"net": [{"addr": "10.0.0.5", "OS-EXT-IPS:type": "fixed"}]}
VM = SERVER.ref(id="vm")


class Script:
    """A server, its console, and the outcomes of tries over the network at each moment."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = SteppedEngine(self.clock)
        self.world = World(self.clock, Poll(max_rate=100.0, burst=100))
        self.world.now(VM, server("ACTIVE", name="web", addresses=ADDRESSES))
        self.outcome: Callable[[float], Outcome | None] = lambda now: NotYet("connection refused")
        self.console: Callable[[float], str] = lambda now: "booting"
        self.tries: list[tuple[float, str]] = []
        self.console_reads: list[float] = []
        self.probes: list[Future[Outcome]] = []
        self.ends = Ends()

    def start(self, condition: NetworkCondition, address: Address) -> Future[Outcome]:
        """Try once; the try hangs if the script has no outcome."""
        now, probe = self.clock.now(), Future[Outcome]()
        self.tries.append((now, f"{condition} {address.ip}"))
        self.probes.append(probe)
        if (outcome := self.outcome(now)) is not None:
            probe.set_result(outcome)
        return probe

    def read_console(self) -> str:
        """Read the console."""
        self.console_reads.append(self.clock.now())
        return self.console(self.clock.now())

    def wait(self, condition: Any, tout: float = 60.0, body: Any = None) -> ReadyWait:
        """Begin a wait."""
        body = body or {"id": "vm", "name": "web", "addresses": ADDRESSES}
        target = Target(self.engine, self.world, "vm", body, dict, self.read_console)
        condition = ready.condition_of(condition)
        wait = ReadyWait(target, condition, tout, self.ends, self.start)
        self.engine.call_soon(wait.begin)
        return wait

    def run(self) -> Any:
        """Let time pass until the wait ends, and return the end."""
        assert self.engine.run_until(lambda: bool(self.ends), 2000.0)
        return self.ends.only


@pytest.fixture
def script() -> Script:
    return Script()


def test_a_server_is_usable_when_a_try_succeeds(script: Script) -> None:
    script.outcome = lambda now: Met() if now >= 7.0 else NotYet("connection refused")
    script.wait(ready.tcp(22))
    end = script.run()
    assert isinstance(end, Succeeded)
    assert end.body is not None
    assert end.body["status"] == "ACTIVE"  # as the last read has shown it
    assert 7.0 <= script.clock.now() < 7.6
    assert script.tries[0] == (0.0, "tcp(22) 10.0.0.5")
    assert {
        later[0] - first[0] for first, later in zip(script.tries, script.tries[1:], strict=False)
    } == {0.5}


def test_nothing_is_left_to_do_after_the_end(script: Script) -> None:
    script.outcome = lambda now: Met()
    script.wait(ready.tcp(22))
    script.run()
    assert not script.engine.run_until(lambda: False, 1000.0)
    assert script.engine.monitor.pending == 0
    assert len(script.tries) == 1


def test_the_error_says_what_was_tried(script: Script) -> None:
    script.console = lambda now: "line 1\n\n" + "\n".join(f"line {n}" for n in range(2, 20))
    script.wait(ready.tcp(22), tout=10.0)
    error = script.run()
    assert isinstance(error, NotReady)
    assert isinstance(error, OperationTimeout | TimeoutError)
    assert script.clock.now() == 10.0
    number = len(script.tries)
    lines = str(error).splitlines()
    assert lines[0] == (
        "server.ready of 'web' (vm) is not ready after 10.0 s: tcp(22) at 10.0.0.5 "
        f"(fixed address in net): tried {number} times, at last: connection refused"
    )
    assert lines[1] == "  last seen: status ACTIVE, task_state None"
    assert [line.strip() for line in lines[2:]] == [f"console: line {n}" for n in range(10, 20)]
    at = "10.0.0.5 (fixed address in net)"
    assert error.readiness == Readiness("tcp(22)", at, number, "connection refused")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.readiness, copy.console) == (str(error), error.readiness, error.console)


def test_the_console_for_the_error_is_read_once_before_the_deadline(script: Script) -> None:
    script.wait(ready.tcp(22), tout=60.0)
    script.run()
    assert script.console_reads == [57.0]


def test_a_console_that_is_waited_for_is_not_read_again_for_the_error(script: Script) -> None:
    script.wait(ready.console("login:"), tout=60.0)
    assert script.run().console == ("booting",)
    assert 57.0 not in script.console_reads
    pauses = {b - a for a, b in zip(script.console_reads, script.console_reads[1:], strict=False)}
    assert min(pauses) >= 1.0


def test_a_console_that_cannot_be_read_costs_its_lines_only(script: Script) -> None:
    def refuses(now: float) -> str:
        raise OSFuturesError("409: not ready")

    script.console = refuses
    script.wait(ready.tcp(22), tout=10.0)
    error = script.run()
    assert isinstance(error, NotReady)
    assert error.console == ()
    assert script.clock.now() == 10.0


def test_a_try_that_hangs_is_counted_and_cancelled_at_the_deadline(script: Script) -> None:
    script.outcome = lambda now: None
    script.wait(ready.tcp(22), tout=10.0)
    error = script.run()
    assert "tried once, at last: no answer for 10.0 s" in str(error)
    assert [probe.cancelled() for probe in script.probes] == [True]


def test_a_last_try_that_hangs_is_told_with_the_result_before_it(script: Script) -> None:
    script.outcome = lambda now: NotYet("connection refused") if now < 4.0 else None
    script.wait(ready.tcp(22), tout=10.0)
    error = script.run()
    assert "at last: no answer for 6.0 s; before that: connection refused" in str(error)
    assert error.readiness.refusal == "no answer for 6.0 s; before that: connection refused"


@pytest.mark.parametrize(("status", "kind"), [("ERROR", OperationFailed), (None, ResourceVanished)])
def test_the_wait_ends_when_the_server_fails_or_is_gone(
    script: Script, status: str | None, kind: type[OperationFailed]
) -> None:
    fault = {"code": 500, "message": "the host is gone"}
    script.world.at(5.0, VM, status and server(status, name="web", fault=fault))  # type: ignore[arg-type]
    script.wait(ready.tcp(22), tout=600.0)
    error = script.run()
    assert type(error) is kind
    assert "while tcp(22) was waited for" in str(error)
    assert ("the host is gone" in str(error)) is (status == "ERROR")
    assert script.clock.now() < 8.0
    assert error.readiness is not None
    assert error.readiness.refusal == "connection refused"


def test_a_server_is_not_read_more_often_than_every_two_seconds(script: Script) -> None:
    script.wait(ready.tcp(22), tout=40.0)
    script.run()
    assert len(script.world.reads) <= 24


def test_an_address_may_come_later(script: Script) -> None:
    script.outcome = lambda now: Met()
    floating = {"net": [*ADDRESSES["net"], {"addr": "203.0.113.9", "OS-EXT-IPS:type": "floating"}]}
    script.world.at(6.0, VM, server("ACTIVE", name="web", addresses=floating))
    wait = script.wait(ready.tcp(22, address="floating"))
    script.engine.run_until(lambda: script.clock.now() >= 5.0)
    assert wait.readiness().refusal == (
        "the server has no floating address; it has 10.0.0.5 (fixed address in net)"
    )
    assert isinstance(script.run(), Succeeded)
    assert [each for _, each in script.tries] == ["tcp(22, address='floating') 203.0.113.9"]


def test_conditions_of_a_list_are_waited_for_one_after_another(script: Script) -> None:
    script.outcome = lambda now: Met() if now >= 3.0 else NotYet("connection refused")
    script.console = lambda now: "web login: " if now >= 6.0 else ""
    script.wait([ready.tcp(22), ready.console("login:"), lambda vm: vm["status"] == "ACTIVE"])
    assert isinstance(script.run(), Succeeded)
    assert min(script.console_reads) >= 3.0
    assert 6.0 <= script.clock.now() <= 7.0


def test_the_error_of_a_list_names_the_condition_that_was_not_met(script: Script) -> None:
    script.outcome = lambda now: Met()
    script.wait([ready.tcp(22), ready.console("login:")], tout=10.0)
    error = script.run()
    assert error.readiness.condition == "console('login:')"
    assert error.readiness.refusal == "the console does not show it"
    assert error.console == ("booting",)


def test_a_condition_that_never_will_be_met_ends_the_wait(script: Script) -> None:
    script.outcome = lambda now: Never("cloud-init's status is error")
    script.wait(ready.tcp(22), tout=600.0)
    error = script.run()
    assert type(error) is OperationFailed
    assert "tried once, at last: cloud-init's status is error" in str(error)
    assert script.clock.now() == 0.0


def test_a_function_gets_the_server_as_it_is_then(script: Script) -> None:
    script.world.at(4.0, VM, server("ACTIVE", name="web", metadata={"state": "up"}))
    shown: list[Any] = []

    def is_up(vm: Any) -> bool:
        shown.append(vm)
        return bool(vm.get("metadata") == {"state": "up"})

    script.wait(is_up)
    assert isinstance(script.run(), Succeeded)
    assert shown[0]["id"] == "vm"
    assert shown[-1]["metadata"] == {"state": "up"}


def test_a_server_that_no_client_object_can_show_is_no_end_of_the_engine(script: Script) -> None:
    def broken(body: Any) -> Any:
        raise KeyError("links")

    body = {"id": "vm", "name": "web", "addresses": ADDRESSES}
    target = Target(script.engine, script.world, "vm", body, broken, script.read_console)
    wait = ReadyWait(target, ready.condition_of(lambda vm: vm), 10.0, script.ends, script.start)
    script.engine.call_soon(wait.begin)
    assert isinstance(script.run(), KeyError)
    assert not script.engine.ended


def test_an_exception_that_ends_a_test_ends_the_wait(script: Script) -> None:
    def fails(vm: Any) -> bool:
        pytest.fail("the guest is broken")

    script.wait(fails)
    assert isinstance(script.run(), pytest.fail.Exception)


def test_a_cancelled_wait_reports_nothing(script: Script) -> None:
    script.outcome = lambda now: None
    wait = script.wait(ready.tcp(22))
    script.engine.run_until(lambda: bool(script.probes))
    wait.cancel()
    assert script.probes[0].cancelled()
    assert not script.engine.run_until(lambda: False, 1000.0)
    assert script.ends == []
    assert script.engine.monitor.pending == 0


def test_an_engine_that_ends_ends_the_wait(script: Script) -> None:
    script.wait(ready.tcp(22))
    script.engine.run_until(lambda: script.clock.now() > 3.0)
    script.engine.stop()
    assert isinstance(script.ends.only, EngineError)


def test_reads_of_consoles_and_servers_share_the_rate(script: Script) -> None:
    script.world.poll = Poll(max_rate=2.0, burst=4)
    script.wait(ready.console("never"), tout=100.0)
    for number in range(9):
        other = SERVER.ref(id=f"vm-{number}")
        script.world.now(other, server("ACTIVE"))
        target = Target(
            script.engine, script.world, f"vm-{number}", {"id": f"vm-{number}"}, dict,
            script.read_console,
        )  # fmt: skip
        wait = ReadyWait(target, ready.console("never"), 100.0, lambda _: None, script.start)
        script.engine.call_soon(wait.begin)
    script.world.at(50.0, VM, server("ERROR"))
    error = script.run()
    assert type(error) is OperationFailed
    assert script.clock.now() < 56.0  # consoles that wait do not hold up the reads of servers
    reads = len(script.world.reads) + len(script.console_reads)
    assert reads <= 4 + 2.0 * script.clock.now() + 1
    assert len(script.console_reads) >= script.clock.now() / 2
