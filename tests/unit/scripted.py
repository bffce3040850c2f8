"""Resources for unit tests in place of a cloud; they change at times that a test has set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pytest_osfutures.clock import Clock, ManualClock
from pytest_osfutures.engine.loop import Engine, SteppedEngine
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Completion, Watch
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.operations import TABLE
from pytest_osfutures.operations.judge import Evidence, Succeeded
from pytest_osfutures.operations.model import Body, Operation, ResourceRef, ResourceType
from pytest_osfutures.operations.resource_types import ACTION, INTERFACE, SERVER, VOLUME
from pytest_osfutures.policy import Poll

__all__ = ["ACTION", "INTERFACE", "SERVER", "VOLUME"]

TASK = "OS-EXT-STS:task_state"
ROWS = {operation.name: operation for operation in TABLE.operations}
#: Answers a look in place of the world; None leaves it to the world.
Interruption = Callable[[ReadRequest], ReadResult | None]


def row(name: str) -> Operation:
    """The row of the operation tables with that name."""
    return ROWS[name]


def server(status: str, task: str | None = None, **more: Any) -> dict[str, Any]:
    """A server as Nova shows it."""
    return {"status": status, TASK: task, **more}


def action(*events: tuple[str, str | None], message: str | None = None) -> dict[str, Any]:
    """An instance action with its events and their results."""
    shown = [{"event": name, "result": result, "details": None} for name, result in events]
    return {"action": "act", "message": message, "events": shown}


class World:
    """A cloud by script, and its reader: the test sets the resources for each moment.

    As in Nova a resource has its `updated` in whole seconds, lists of changes are inclusive, and
    what is deleted shows there as DELETED.
    """

    def __init__(self, clock: Clock, poll: Poll | None = None) -> None:
        self.clock = clock
        self.poll = poll or Poll()
        self.reads: list[ReadRequest] = []
        self.times: list[float] = []
        self.interruptions: list[Interruption] = []
        self._changes: dict[ResourceRef, list[tuple[float, Body | None]]] = {}

    def at(self, when: float, ref: ResourceRef, body: Body | None) -> None:
        """From `when` (engine's clock) on the resource looks like `body`; None: it is gone."""
        changes = self._changes.setdefault(ref, [])
        changes.append((when, body))
        changes.sort(key=lambda change: change[0])

    def now(self, ref: ResourceRef, body: Body | None) -> None:
        """From now on the resource looks like `body`."""
        self.at(self.clock.now(), ref, body)

    def interrupt(self, interruption: Interruption) -> None:
        """Let `interruption` see each look first."""
        self.interruptions.append(interruption)

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        asked_at = clock.now()
        self.reads.append(request)
        self.times.append(asked_at)
        for interruption in self.interruptions:
            if (result := interruption(request)) is not None:
                return result
        refs: Iterable[ResourceRef] = request.refs
        if request.listing:
            refs = [ref for ref in self._changes if ref.type == request.kind]
        found = {ref.id: body for ref in refs if (body := self._shown(ref, request)) is not None}
        return ReadResult(request, asked_at, clock.now(), found)

    def _shown(self, ref: ResourceRef, request: ReadRequest) -> Body | None:
        past = [change for change in self._changes.get(ref, ()) if change[0] <= self.clock.now()]
        if not past:
            return None
        when, body = past[-1]
        date = int(self.clock.time() - self.clock.now() + when)
        if request.since is not None and date < int(request.since):
            return None
        if body is None:
            if request.since is None:
                return None
            body = {"status": "DELETED", TASK: None}
        return {"id": ref.id, "updated": datetime.fromtimestamp(date, UTC).isoformat(), **body}

    def count(self, kind: ResourceType, *, listing: bool | None = None) -> int:
        """How many reads there were of a kind."""
        reads = [request for request in self.reads if request.kind == kind]
        return sum(listing is None or request.listing == listing for request in reads)


class Ends(list[Completion]):
    """Collects how operations end; callable as `on_end`."""

    def __call__(self, completion: Completion) -> None:
        self.append(completion)

    @property
    def only(self) -> Completion:
        """The one ending there is."""
        assert len(self) == 1, list(self)
        return self[0]

    @property
    def error(self) -> OSFuturesError:
        """The one ending, which is an error."""
        assert isinstance(self.only, OSFuturesError), self.only
        return self.only

    @property
    def success(self) -> Succeeded:
        """The one ending, which is a success."""
        assert isinstance(self.only, Succeeded), self.only
        return self.only


def watch(
    world: World,
    name: str,
    on_end: Callable[[Completion], None],
    tout: float = 60.0,
    request_id: str | None = "req-1",
    accepted_at: float | None = None,
    sent_at: float | None = None,
    **names: str,
) -> Watch:
    """An operation of the tables that was accepted just now, read through `world`."""
    return Watch(
        operation=row(name),
        variables={**names, "request_id": request_id or ""},
        reader=world,
        accepted_at=world.clock.now() if accepted_at is None else accepted_at,
        tout=tout,
        on_end=on_end,
        sent_at=sent_at,
        request_id=request_id,
        action_kind=ACTION,
    )


def case(
    name: str,
    seen: dict[ResourceRef, Any],
    now: float = 5.0,
    request_id: str | None = "req-1",
    **names: str,
) -> Evidence:
    """Return the evidence of an operation accepted at 0, with its observations by resource."""
    names = {**names, "request_id": request_id or ""}
    return Evidence(row(name), names, 0.0, now, seen, ACTION, request_id)


class Scene:
    """A stepped engine, its clock and a world on it."""

    def __init__(self, poll: Poll | None = None) -> None:
        self.clock = ManualClock()
        self.engine: Engine = SteppedEngine(self.clock)
        self.world = World(self.clock, poll)

    def start(self, name: str, *, tout: float = 60.0, **more: Any) -> Ends:
        """Watch an operation from now on; its ends are collected."""
        ends = Ends()
        self.engine.watch(watch(self.world, name, ends, tout, **more))
        return ends

    def run(self, until: Callable[[], object] = lambda: False, within: float = 1000.0) -> bool:
        """Let time pass until something is so (default: until nothing is to be done any more)."""
        assert isinstance(self.engine, SteppedEngine)
        return self.engine.run_until(lambda: bool(until()), within)


def failing(scene: Scene, kind: ResourceType, times: float = math.inf, **more: object) -> None:
    """Let the next reads of a kind fail."""
    left = [times]

    def interruption(request: ReadRequest) -> ReadResult | None:
        if request.kind != kind or left[0] <= 0:
            return None
        left[0] -= 1
        now = scene.clock.now()
        return ReadResult(request, now, now, error="GET answered 503", **more)  # type: ignore[arg-type]

    scene.world.interrupt(interruption)
