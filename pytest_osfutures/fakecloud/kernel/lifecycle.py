"""Background operations as data: the states that a resource passes, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.runtime import Runtime


@dataclass(frozen=True, repr=False, match_args=False)
class Step:
    """One intermediate state: the fields that it sets and its share of the duration.

    `event` names the callback that runs on entering the step: see `Lifecycle.on`.
    """

    share: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""


@dataclass(frozen=True, repr=False, match_args=False)
class Lifecycle:
    """One background operation: its name (for durations and fault rules) and its steps."""

    operation: str
    steps: tuple[Step, ...]
    callbacks: Mapping[str, Callable[[], None]] = field(default_factory=dict)

    def on(self, **callbacks: Callable[[], None]) -> Lifecycle:
        """Return this lifecycle with a callback for each named event of its steps."""
        return replace(self, callbacks=callbacks)


@dataclass(eq=False)
class Transition:
    """A resource's way through one lifecycle, until it ends or another lifecycle begins."""

    runtime: Runtime
    resource: ResourceRecord
    callbacks: Mapping[str, Callable[[], None]]

    def enter(self, step: Step) -> None:
        """Set the fields of `step` and run the callback of its event."""
        for name, value in step.changes.items():
            setattr(self.resource, name, value)
        if step.changes:
            self.resource.touch()
        if event := self.callbacks.get(step.event):
            event()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Run `act` in `seconds` if no other lifecycle has begun by then."""

        def if_still() -> None:
            if self.resource.activity is self:
                act()

        self.runtime.schedule.after(seconds, if_still)


def start_lifecycle(
    runtime: Runtime,
    lifecycle: Lifecycle,
    resource: ResourceRecord,
    done: Callable[[], None],
    failed: Callable[[Fault], None],
) -> None:
    """Begin `lifecycle` on `resource`: enter the first step now, run `done` after the last.

    A fault rule can make the operation fail (`failed` runs instead of `done`), hang or end late.
    The lifecycle that the resource was in ends.
    """
    transition = resource.activity = Transition(runtime, resource, lifecycle.callbacks)
    duration = runtime.seconds(lifecycle.operation)
    fault = runtime.faults.on_operation(lifecycle.operation, resource)
    stuck = fault is not None and fault.effect == "stuck"

    def finish() -> None:
        resource.activity = None
        if fault is None or fault.effect == "late":
            done()
        else:
            failed(fault)

    end = duration
    if fault is not None and fault.seconds is not None:
        ends = {"stuck": min(fault.seconds, duration), "late": duration + fault.seconds}
        end = ends.get(fault.effect, fault.seconds)
    whole = sum(step.share for step in lifecycle.steps) or 1.0
    begins = 0.0
    for step in lifecycle.steps:
        if begins == 0.0:
            transition.enter(step)
        elif begins <= end:
            transition.after(begins, partial(transition.enter, step))
        begins += duration * step.share / whole
    if not stuck:
        transition.after(end, finish)
