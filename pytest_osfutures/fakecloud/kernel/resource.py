"""The base class of every resource, with the history of its fields."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from pytest_osfutures.fakecloud.kernel.schedule import Schedule

HISTORY_SECONDS = 600.0  #: the greatest age of a stale list


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class ResourceRecord:
    """One resource with an id. Times are seconds since 1970.

    Each assignment to a field is recorded for ten minutes, so that a list can be answered as of an
    earlier time. So replace the mappings in fields; never change them in place.
    """

    id: str
    name: str | None = None
    project_id: str = ""
    user_id: str = ""
    status: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float | None = None
    deleted_at: float | None = None
    listed_from: float = 0.0  #: lists show the resource from this time on
    activity: object = None  #: the present lifecycle; a new lifecycle replaces it

    def __repr__(self) -> str:
        """Return type, id, name and status: one method for all types makes imports faster."""
        return f"<{type(self).__name__} {self.id} {self.name!r} {self.shown_status}>"

    def __setattr__(self, name: str, value: Any) -> None:
        past: deque[tuple[float, str, Any]] | None = self.__dict__.get("_past")
        if past is not None:
            schedule: Schedule = self.__dict__["_schedule"]
            now = schedule.time()
            while past and past[0][0] < now - schedule.in_dates(HISTORY_SECONDS):
                past.popleft()
            past.append((now, name, self.__dict__.get(name)))
        object.__setattr__(self, name, value)

    @property
    def shown_status(self) -> str:
        """Return the status as the service's API shows it."""
        return self.status

    def remember(self, schedule: Schedule) -> None:
        """Begin to record each change of a field with its time on `schedule`."""
        self.__dict__["_schedule"] = schedule
        self.__dict__["_past"] = deque()

    def touch(self) -> None:
        """Set `updated_at` to the present time."""
        self.updated_at = self.__dict__["_schedule"].time()

    def as_of(self, when: float) -> Self:
        """Return a copy with the fields' values at the time `when`."""
        then = copy.copy(self)
        then.__dict__["_past"] = None
        for moment, name, value in reversed(self.__dict__["_past"]):
            if moment <= when:
                break
            then.__dict__[name] = value
        return then
