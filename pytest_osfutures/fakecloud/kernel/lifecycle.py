"""Lifecycles as declared transitions: which states a background operation passes, and how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.runtime import Runtime


@dataclass(frozen=True)
class Step:
    """One intermediate state: the fields that it sets and its share of the whole duration.

    `event` names the callback that runs on entering it: see `Lifecycle.on`.
    """

    share: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""


@dataclass(frozen=True)
class Lifecycle:
    """The way of one kind of operation: its name (for durations and faults) and its steps."""

    operation: str
    steps: tuple[Step, ...]
    callbacks: Mapping[str, Callable[[], None]] = field(default_factory=dict)

    def on(self, **callbacks: Callable[[], None]) -> Lifecycle:
        """Return this lifecycle with a callback for each named event of its steps."""
        return replace(self, callbacks=callbacks)


@dataclass(eq=False)
class Transition:
    """One resource on its way through a lifecycle, as long as nothing else takes it over."""

    runtime: Runtime
    resource: ResourceRecord
    callbacks: Mapping[str, Callable[[], None]]

    def enter(self, step: Step) -> None:
        """Set the fields of `step` and do what it names."""
        for name, value in step.changes.items():
            setattr(self.resource, name, value)
        if step.changes:
            self.resource.touch()
        if event := self.callbacks.get(step.event):
            event()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do `act` in `seconds` if the resource is still on this way then."""

        def if_still() -> None:
            if self.resource.activity is self:
                act()

        self.runtime.schedule.after(seconds, if_still)


def start(
    runtime: Runtime,
    lifecycle: Lifecycle,
    resource: ResourceRecord,
    done: Callable[[], None],
    failed: Callable[[Fault], None],
) -> None:
    """Lead `resource` through the steps, the first one now, and call `done` after the last.

    A fault rule may let it fail (`failed` is called instead of `done`) or stay where it is. What
    moved the resource until now is over.
    """
    transition = resource.activity = Transition(runtime, resource, lifecycle.callbacks)
    duration = runtime.seconds(lifecycle.operation)
    fault = runtime.faults.on_operation(lifecycle.operation, resource)
    stuck = fault is not None and fault.effect == "stuck"

    def finish() -> None:
        resource.activity = None
        if fault is None:
            done()
        else:
            failed(fault)

    end = duration
    if fault is not None and fault.seconds is not None:
        end = min(fault.seconds, duration) if stuck else fault.seconds
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
