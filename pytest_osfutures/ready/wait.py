"""Wait until a server meets a condition: a state machine in the engine's loop.

The engine's reads tell when the server fails or is deleted, and its deadlines end the wait. Tries
over the network run in one thread for all servers, functions in the pool of callbacks, and reads of
the console take their turn in the rate of reads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pytest_osfutures.engine import Completion, Engine, Reader, Timer, Watch
from pytest_osfutures.errors import (
    EngineError,
    NotReady,
    OperationError,
    OperationFailed,
    OperationTimeout,
    OSFuturesError,
    Readiness,
)
from pytest_osfutures.operations import SERVER, Body, Expectation, Operation, Route, Succeeded
from pytest_osfutures.ready.addresses import Address
from pytest_osfutures.ready.conditions import (
    Condition,
    Console,
    Function,
    NetworkCondition,
    parts_of,
)
from pytest_osfutures.ready.outcome import Met, Never, NotYet, Outcome
from pytest_osfutures.ready.thread import NetworkThread, default_thread
from pytest_osfutures.redaction import redact_log

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Seconds after which a server has to be usable if the user gives no `tout`: tempest's
#: `build_timeout` and `ssh_timeout` (https://docs.openstack.org/tempest/latest/sampleconf.html).
READY_TOUT = 300.0
#: The number of lines of the console in errors, and the longest line.
TAIL, WIDTH = 10, 160
#: A try without an answer for so many seconds hangs.
HANGING = 1.0
#: The share of the wait before its end at which the console is read for the error, and its bounds
#: in seconds: the read may have to wait for its turn.
_TAIL_SHARE, _LEAST_TAIL, _MOST_TAIL = 0.1, 1.0, 3.0

#: The operation of the wait: it never succeeds by itself, and fails with the server.
OPERATION = Operation(
    "server.ready",
    Route("compute", "GET", "/servers/{id}"),
    (Expectation(SERVER, failure=frozenset({"ERROR"}), predicate=lambda _, __: None),),
    tout=READY_TOUT,
    pace=4.0,
)


@dataclass(frozen=True)
class Target:
    """The server that has to be usable."""

    engine: Engine
    reader: Reader
    id: str
    #: The server as Nova has shown it last.
    body: Body
    #: Makes the client's object of a server.
    to_object: Callable[[Body], Any]
    #: Reads the whole console, in a thread that may block. Raises the reason of a refusal.
    read_console: Callable[[], str]
    microversion: str = ""
    #: The client's object of the server as it is known now, if `body` is only a part of it.
    known: Any = None

    def object_of(self, body: Body | None) -> Any:
        """Return the client's object of the server; `body` is None before the first read."""
        if body is None and self.known is not None:
            return self.known
        return self.to_object(self.body if body is None else body)


#: Starts one try of a condition over the network.
StartProbe = Callable[[NetworkCondition, Address], "Future[Outcome]"]


def start_probe(condition: NetworkCondition, address: Address) -> Future[Outcome]:
    """Start one try in the thread of this process."""
    thread: NetworkThread = default_thread()
    return thread.start(condition.probe(thread.network, address))


class ReadyWait:
    """One server on its way to being usable. All methods are called in the engine's loop.

    Args:
        target: The server.
        condition: The condition.
        tout: The deadline in seconds from now on.
        on_end: Called once, with the server as it is then, or with the error.
        start: Starts one try over the network.
    """

    def __init__(
        self,
        target: Target,
        condition: Condition,
        tout: float,
        on_end: Callable[[Completion], None],
        start: StartProbe = start_probe,
    ) -> None:
        self._target = target
        self._parts = parts_of(condition)
        self._on_end = on_end
        self._start = start
        #: True once the wait has ended or was cancelled.
        self.is_over = False
        self._tries = 0
        #: When the try that is under way began (seconds on the engine's clock); None between tries.
        self._trying_since: float | None = None
        self._address: str | None = None
        self._refusal: str | None = None
        self._console: str | None = None
        self._probe: Future[Outcome] | None = None
        self._timer: Timer | None = None
        self._tail_timer: Timer | None = None
        self._tout = tout
        engine = target.engine
        self.watch = Watch(
            operation=OPERATION,
            variables={"id": target.id},
            reader=target.reader,
            accepted_at=engine.clock.now(),
            tout=tout,
            on_end=self._watch_ended,
            resource_name=target.body.get("name"),
            versions={"compute": target.microversion},
        )

    def begin(self) -> None:
        """Start the wait."""
        engine = self._target.engine
        engine.watch(self.watch)
        self._tail_timer = engine.call_later(self._tout - tail_seconds(self._tout), self._read_tail)
        self._try()

    def cancel(self) -> None:
        """End the wait without a result."""
        if self.is_over:
            return
        self.is_over = True
        for timer in (self._timer, self._tail_timer):
            if timer is not None:
                timer.cancel()
        if self._probe is not None:
            self._probe.cancel()
        self._target.engine.forget(self.watch)

    @property
    def seen(self) -> Body | None:
        """The server as the last read has shown it; None before the first read."""
        bodies = [each.body for each in self.watch.observations.values() if each.body]
        return bodies[-1] if bodies else None

    # Tries

    def _try(self) -> None:
        if self.is_over:
            return
        self._tries += 1
        self._trying_since = self._target.engine.clock.now()
        condition, engine = self._parts[0], self._target.engine
        if isinstance(condition, NetworkCondition):
            self._try_network(condition)
        elif isinstance(condition, Console):
            self._read_console(condition)
        else:
            assert isinstance(condition, Function)
            engine.callbacks.submit(partial(self._call, condition))

    def _try_network(self, condition: NetworkCondition) -> None:
        address = condition.reach.choose(self.seen or self._target.body)
        if isinstance(address, str):
            self._tried(NotYet(address))
            return
        via = f" via {condition.reach.via}" if condition.reach.via else ""
        self._address = f"{address}{via}"
        self._probe = self._start(condition, address)

        def deliver(done: Future[Outcome]) -> None:
            if not done.cancelled():
                self._soon(partial(self._tried, done.result()))

        self._probe.add_done_callback(deliver)

    def _call(self, condition: Function) -> None:
        """Call the user's function, in a thread of the pool."""
        try:
            outcome: Outcome = condition.call(self._target.object_of(self.seen))
        except BaseException as error:
            self._soon(partial(self._fail, error))
        else:
            self._soon(partial(self._tried, outcome))

    def _soon(self, function: Callable[[], None]) -> None:
        """Call a function in the loop; an engine that has ended has ended the wait, too."""
        with suppress(EngineError):
            self._target.engine.call_soon(function)

    def _read_console(self, condition: Console | None = None) -> None:
        """Read the console when the rate allows it, and judge it: a pattern may take its time."""
        target = self._target

        def read() -> None:
            text, outcome = None, None
            if self.is_over:  # while the read waited for its turn
                return
            try:
                text = target.read_console()
                outcome = None if condition is None else condition.judge(text)
            except Exception as error:
                outcome = None if condition is None else NotYet(str(error))
            self._soon(partial(self._console_was_read, text, outcome))

        target.engine.queue_read(target.reader, "compute", read)

    def _console_was_read(self, text: str | None, outcome: Outcome | None) -> None:
        self._console = self._console if text is None else text
        if outcome is not None:
            self._tried(outcome)

    def _read_tail(self) -> None:
        if not self.is_over and not isinstance(self._parts[0], Console):
            self._read_console()

    def _tried(self, outcome: Outcome) -> None:
        """Take the result of one try: the condition is met, never will be, or is tried again."""
        if self.is_over:
            return
        self._trying_since = None
        if isinstance(outcome, Met):
            self._next_condition()
        elif isinstance(outcome, Never):
            self._refusal = outcome.why
            self._fail(self._error(OperationFailed))
        else:
            self._refusal = outcome.why
            now, poll = self._target.engine.clock.now(), self._target.reader.poll
            pause = poll.interval(now - self.watch.accepted_at, 0.0)
            if isinstance(self._parts[0], Console):
                pause *= 2  # the console is longer than any other answer of Nova
            self._timer = self._target.engine.call_later(pause, self._try)

    def _next_condition(self) -> None:
        self._parts = self._parts[1:]
        self._tries, self._refusal = 0, None
        if self._parts:
            self._try()
            return
        body = self.seen or self._target.body
        self.cancel()
        self._on_end(Succeeded(body))

    # Ends

    def _watch_ended(self, completion: Completion) -> None:
        """The deadline has passed, or the server has failed or is gone."""
        if self.is_over:
            return
        if isinstance(completion, OperationTimeout):
            error: OSFuturesError = self._error(NotReady, completion)
        elif isinstance(completion, OperationError):
            why = f"{completion.why}, while {self._parts[0]!r} was waited for"
            error = type(completion)(why, completion.details).with_details(
                readiness=self.readiness(), console=self.console_tail()
            )
        else:
            assert isinstance(completion, EngineError)
            error = completion
        self._fail(error)

    def _fail(self, error: Any) -> None:
        if not self.is_over:
            self.cancel()
            self._on_end(error)

    def _error(
        self, kind: type[OperationError], late: OperationTimeout | None = None
    ) -> OperationError:
        details = self.watch.details(self._target.engine.clock.now())
        details = details if late is None else late.details
        at = f" at {self._address}" if self._address else ""
        times = "once" if self._tries == 1 else f"{self._tries} times"
        tried = f"tried {times}, at last: {self._last_result()}"
        why = f"{self._parts[0]!r}{at}: {tried}"
        if self.watch.last_error is not None:
            why += f"; the last read of the server failed: {self.watch.last_error}"
        return kind(why, replace(details, readiness=self.readiness(), console=self.console_tail()))

    def readiness(self) -> Readiness:
        """Return how far the wait has come."""
        return Readiness(repr(self._parts[0]), self._address, self._tries, self._last_result())

    def _last_result(self) -> str | None:
        """Return the result of the last try, which may have been under way for long."""
        since = self._trying_since
        age = 0.0 if since is None else self._target.engine.clock.now() - since
        if age < HANGING and self._refusal is not None:
            return self._refusal
        before = "" if self._refusal is None else f"; before that: {self._refusal}"
        return f"no answer for {age:.1f} s{before}"

    def console_tail(self) -> tuple[str, ...]:
        """Return the last lines of the console that are not empty, without secrets."""
        near = (self._console or "").splitlines()[-20 * TAIL :]
        text = redact_log("\n".join(near))
        lines = [line.rstrip()[:WIDTH] for line in text.splitlines()]
        return tuple([line for line in lines if line][-TAIL:])


def tail_seconds(tout: float) -> float:
    """Return how many seconds before the end of a wait of `tout` seconds the console is read.

    Example:
        >>> [tail_seconds(tout) for tout in (1.0, 2.0, 20.0, 300.0)]
        [0.5, 1.0, 2.0, 3.0]
    """
    return min(max(_TAIL_SHARE * tout, min(_LEAST_TAIL, tout / 2)), _MOST_TAIL)
