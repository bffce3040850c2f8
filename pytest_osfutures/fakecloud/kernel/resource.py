"""Things that exist in the cloud, and the tables that remember what ever existed."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud

HISTORY_SECONDS = 600.0  # how far back a stale answer can look


@dataclass(eq=False, kw_only=True)
class Resource:
    """One thing with an id. Replace the mappings in its fields, never change them in place:

    each assignment is remembered for a while, so that a list can be answered as of some seconds
    ago. Times are seconds since 1970.
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
    listed_from: float = 0.0
    activity: object = None  # the lifecycle that moves it now; a new one takes over

    def __setattr__(self, name: str, value: Any) -> None:
        past: deque[tuple[float, str, Any]] | None = self.__dict__.get("_past")
        if past is not None:
            now = self.__dict__["_cloud"].schedule.time()
            while past and past[0][0] < now - HISTORY_SECONDS:
                past.popleft()
            past.append((now, name, self.__dict__.get(name)))
        object.__setattr__(self, name, value)

    @property
    def shown_status(self) -> str:
        """The status as its API shows it."""
        return self.status

    def remember(self, cloud: FakeCloud) -> None:
        """Begin to remember what the fields were."""
        self.__dict__["_cloud"] = cloud
        self.__dict__["_past"] = deque()

    def touch(self) -> None:
        """It has changed just now."""
        self.updated_at = self.__dict__["_cloud"].schedule.time()

    def as_of(self, when: float) -> Self:
        """A copy with the fields as they were at `when`."""
        then = copy.copy(self)
        then.__dict__["_past"] = None
        for moment, name, value in reversed(self.__dict__["_past"]):
            if moment <= when:
                break
            then.__dict__[name] = value
        return then


R = TypeVar("R", bound=Resource)


class Table(Generic[R]):
    """All resources of one kind, those that are gone too."""

    def __init__(self, cloud: FakeCloud, kind: str) -> None:
        self._cloud = cloud
        self.kind = kind
        self._alive: dict[str, R] = {}
        self._gone: dict[str, R] = {}
        self._forgotten: list[R] = []
        cloud.tables.append(self)

    def add(self, resource: R) -> R:
        """Keep `resource`, created now."""
        now = self._cloud.schedule.time()
        resource.created_at = now
        resource.listed_from = now + self._cloud.faults.hide_new_for
        resource.remember(self._cloud)
        self._alive[resource.id] = resource
        return resource

    def remove(self, resource: R) -> None:
        """It is gone now; whatever still moved it stops."""
        if self._alive.pop(resource.id, None) is not None:
            resource.deleted_at = self._cloud.schedule.time()
            resource.activity = None
            self._gone[resource.id] = resource

    def forget(self, resource: R) -> None:
        """It is gone and leaves no row that the service could show; `rows` still knows it."""
        self.remove(resource)
        self._gone.pop(resource.id, None)
        self._forgotten.append(resource)

    def get(self, resource_id: str) -> R | None:
        """The living one with that id."""
        return self._alive.get(resource_id)

    def gone(self, resource_id: str) -> R | None:
        """The deleted one with that id."""
        return self._gone.get(resource_id)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._alive.values()))

    def __len__(self) -> int:
        return len(self._alive)

    def listed(self, deleted: bool = False) -> list[R]:
        """What a list shows now: the living ones, with `deleted` those that are gone as well.

        Under a fault the list may be some seconds old, and new things may be missing from it.
        """
        now = self._cloud.schedule.time()
        if age := self._cloud.faults.lists_are_old_by:
            return self._listed_at(now - age, deleted)
        found = [resource for resource in self._alive.values() if resource.listed_from <= now]
        return found + list(self._gone.values()) if deleted else found

    def _listed_at(self, when: float, deleted: bool) -> list[R]:
        then: list[R] = []
        for resource in (*self._alive.values(), *self._gone.values()):
            if resource.created_at > when or resource.listed_from > when:
                continue
            gone = resource.deleted_at is not None and resource.deleted_at <= when
            if not gone or deleted:
                then.append(resource.as_of(when))
        return then

    def rows(self, gone: bool = False) -> list[dict[str, Any]]:
        """Who exists, or with `gone` who ever did, in order of creation: the proof of a leak."""
        past = (*self._gone.values(), *self._forgotten) if gone else ()
        everything = (*self._alive.values(), *past)
        return [
            {
                "kind": self.kind,
                "id": resource.id,
                "name": resource.name,
                "project_id": resource.project_id,
                "status": resource.shown_status,
                "metadata": dict(resource.metadata),
                "created_at": resource.created_at,
                "updated_at": resource.updated_at,
                "deleted_at": resource.deleted_at,
            }
            for resource in sorted(everything, key=lambda resource: resource.created_at)
        ]
