"""The types of the operation tables.

An `Operation` is one row: the request that starts it, what to expect of which resource, and how
to undo it. It is written against the REST API and knows no client library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of resource, and where it is read.

    `path` reads one of them, `list_path` all; both are relative to the service's endpoint and the
    project. `changes_since` says that the list can be limited to what changed. `evidence` kinds
    are only read to explain something: that one is missing or forbidden is no failure.
    """

    name: str
    service: str
    path: str
    member: str
    list_path: str | None = None
    collection: str | None = None
    changes_since: bool = False
    status: str | None = "status"
    task_state: str | None = None
    gone: frozenset[str] = frozenset()
    evidence: bool = False

    def ref(self, **names: str) -> Ref:
        """The resource of this kind that `names` (those in `path`) identify."""
        path = self.path.format_map(names)
        return Ref(self, path, path.rsplit("/", 1)[-1])


@dataclass(frozen=True)
class Ref:
    """One resource: its kind, the path that reads it, and its id in lists."""

    kind: Kind
    path: str
    id: str


@dataclass(frozen=True)
class Sight:
    """What one read said about one resource; `body` None says that it is not there.

    `asked_at` is when the request for it STARTED, on the engine's clock. `confirmed` says that
    this very resource was asked for; else it was looked up in a list.
    """

    asked_at: float
    body: Body | None
    confirmed: bool = True


@dataclass(frozen=True)
class Route:
    """The request that starts an operation: method, path and, for actions, the body's key."""

    service: str
    method: str
    path: str
    action: str | None = None

    def match(self, method: str, path: str, request: Any) -> dict[str, str] | None:
        """The names in the path if this is such a request, else None."""
        if method != self.method:
            return None
        if self.action is not None and not (
            isinstance(request, Mapping) and self.action in request
        ):
            return None
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + r"/?\Z"
        found = re.match(pattern, path)
        return found.groupdict() if found else None


Holds = Callable[[Body, "Names"], bool]
Names = Mapping[str, str]


@dataclass(frozen=True)
class Expect:
    """What one resource looks like when the operation is done, under way, or has failed.

    `names` tells which resource: the names in its kind's path, as templates over the operation's
    names. `gone=True` expects that it disappears. `success` are the statuses of the end (empty:
    that it exists is enough), together with `holds`, which looks at the whole resource; `running`
    those on the way; `failure` those that end it badly at once.
    """

    kind: Kind
    success: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    failure: frozenset[str] = frozenset()
    gone: bool = False
    holds: Holds | None = None
    names: Mapping[str, str] = field(default_factory=lambda: {"id": "{id}"})

    def ref(self, names: Names) -> Ref:
        """The resource that this is about."""
        return self.kind.ref(**{key: text.format_map(names) for key, text in self.names.items()})


@dataclass(frozen=True)
class Undo:
    """The request that takes an operation back; the table knows it as an operation itself."""

    service: str
    method: str
    path: str
    body: Body | None = None


@dataclass(frozen=True)
class Operation:
    """One row of the table: one kind of background work.

    `names` adds to the names in the route's path: where in the request or the response
    (`request.server.name`) another one is found. `action` names the server whose instance
    actions tell about this operation; `action_decides` that success needs the action's word too.
    `creates` says that something new comes to life, which may take a while to be visible.
    `tout` is the usual deadline and `usual` the usual duration, both in seconds; `stamp` is where
    in the request the metadata of a new resource stands.
    """

    name: str
    route: Route
    expects: tuple[Expect, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    action: str | None = None
    action_decides: bool = False
    creates: bool = False
    undo: Undo | None = None
    tout: float = 300.0
    usual: float = 5.0
    stamp: str | None = None
    when: Callable[[Any], bool] | None = None

    def recognise(self, service: str, method: str, path: str, request: Any) -> Names | None:
        """The operation's names if this request starts it, else None."""
        if service != self.route.service:
            return None
        names = self.route.match(method, path, request)
        if names is None or (self.when is not None and not self.when(request)):
            return None
        return names

    def identify(self, names: Names, request: Any, response: Any) -> Names:
        """All names of the operation, once it was answered."""
        sources = {"request": request, "response": response}
        found = {key: _dig(sources, path) for key, path in self.names.items()}
        return {**names, **{key: str(value) for key, value in found.items() if value is not None}}

    @property
    def deletes(self) -> bool:
        """Whether the operation ends with its resource gone."""
        return self.expects[0].gone


def _dig(document: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


class Table:
    """All operations that are known, and which of them a request starts."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._by_place: dict[tuple[str, str], list[Operation]] = {}
        for operation in self.operations:
            place = (operation.route.service, operation.route.method)
            self._by_place.setdefault(place, []).append(operation)

    def find(
        self, service: str, method: str, path: str, request: Any
    ) -> tuple[Operation, Names] | None:
        """The operation that this request starts, with the names in its path."""
        for operation in self._by_place.get((service, method), ()):
            names = operation.recognise(service, method, path, request)
            if names is not None:
                return operation, names
        return None
