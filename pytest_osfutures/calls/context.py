"""The settings of clients' twins, and the ledger as calls see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from pytest_osfutures.engine import Engine, default
from pytest_osfutures.futures import Observer
from pytest_osfutures.operations import ACTION, TABLE, Body, OperationTable, ResourceType
from pytest_osfutures.ownership import StampLedger
from pytest_osfutures.policy import Poll, Retry, Unknown, one_of
from pytest_osfutures.stamp import Stamp, new_id
from pytest_osfutures.transport import ApiClient

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The run id in the stamps of this process's resources, where the user names no run.
PROCESS_RUN = new_id()
#: Converts a resource of the API (its type and body) to the client's own object. The last argument
#: is the plain call's result, which is returned where the client has no class for the resource.
ToClientObject = Callable[[ResourceType, Body, Any], Any]


class Record(Protocol):
    """The ledger's row of one operation: its intent, its resources, their deletion."""

    def intended(self, kind: str, name: str | None, count: int = 1, stamped: bool = True) -> None:
        """Note that a request for `count` resources is about to leave.

        `stamped` is True if the request carries the stamp. Raises ServerLimitReached if the
        request has to wait.
        """

    def bound(self, *resource_ids: str) -> None:
        """Note the ids of all resources that the accepted request has created."""

    def gone(self) -> None:
        """Note that no resource of the operation exists, as the cloud has confirmed."""

    def make_room(self) -> bool:
        """Give up a resource that no test needs yet; return False if there is none."""

    def others(self) -> bool:
        """Return True if another process of the run has resources under the same quota."""


class CallLedger(StampLedger, Protocol):
    """The ledger of a run: the list of the resources that the run creates."""

    def record(self, stamp: Stamp) -> Record:
        """Return the record of the operation that carries `stamp`."""

    def gone(self, kind: str, resource_id: str) -> None:
        """Note that the cloud has confirmed the deletion of a resource."""


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """The settings of a client's twins, one value for all clients of a cloud."""

    #: The engine that watches the operations.
    engine: Engine = field(default_factory=default)
    #: How often the engine reads.
    poll: Poll = field(default_factory=Poll)
    #: The retry policy of `*_async_r` calls that name none.
    retry: Retry = field(default_factory=Retry)
    #: The id of the run, which every stamp carries.
    run: str = PROCESS_RUN
    #: True if `*_async` calls stamp the resources that they create, as `*_async_r` calls always do.
    stamp: bool = False
    #: True if `*_async` calls leave in the background.
    background: bool = False
    #: Seconds from a request until the stamp on its resources expires.
    expiry: float = 6 * 3600.0
    #: The answer to an operation that cannot be followed: "warn" or "error".
    unknown: Unknown = "warn"
    #: The ledger that lists stamped resources; None if there is no ledger.
    ledger: CallLedger | None = None
    #: Receives all calls and the waits for them; None if they are not recorded.
    observer: Observer | None = None
    #: The way to the cloud's APIs; None for the session of the client itself.
    api_client: ApiClient | None = None

    def __post_init__(self) -> None:
        one_of("unknown", self.unknown, get_args(Unknown))


@dataclass(frozen=True, kw_only=True)
class ClientContext(ClientSettings):
    """The settings of twins, with the table, the session and the classes of one client."""

    api_client: ApiClient
    #: The service type that the client speaks to, as "compute".
    service: str
    #: Converts a resource of the API to the client's own object.
    to_client_object: ToClientObject
    #: The table of all known operations.
    table: OperationTable = TABLE
    #: The resource type of Nova's instance actions.
    action_kind: ResourceType = ACTION

    def new_stamp(self) -> Stamp:
        """Return a stamp for one more operation."""
        now = self.api_client.cloud_time.time(self.engine.clock)
        return Stamp(self.run, new_id(), int(now + self.expiry))

    def record(self, stamp: Stamp) -> Record | None:
        """Return the record of the operation that carries `stamp`; None without a ledger."""
        return None if self.ledger is None else self.ledger.record(stamp)
