"""A run that lives for long renews its stamps, so that nobody takes what it has for left behind.

Only what has lived half its time is renewed, by one read and one change each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pytest_osfutures.cleanup.ledger import Ledger, LedgerError, LedgerRow
from pytest_osfutures.clock import Clock
from pytest_osfutures.operations import BACKUP, IMAGE, KEYPAIR, OWNED_TYPES, Body
from pytest_osfutures.ownership import (
    StampedResource,
    UnreadableError,
    needs_stamp,
    put_stamp,
    read_resource,
    send_request,
)
from pytest_osfutures.stamp import EXPIRES, Stamp
from pytest_osfutures.transport import ApiClient, error_message

#: Seconds between two looks at the ledger, at most.
LONGEST = 600.0


class Heartbeat:
    """Renews the stamps of what this process has made; each step that fails is told to `note`."""

    def __init__(
        self,
        api: ApiClient,
        ledger: Ledger,
        expiry: float,
        clock: Clock,
        note: Callable[[str], None],
    ) -> None:
        self.api = api
        self.ledger = ledger
        self.expiry = expiry
        self.clock = clock
        self.note = note
        self._over = threading.Event()

    def start(self) -> None:
        """Beat in a thread until `stop`."""
        threading.Thread(target=self._run, name="osfutures-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Beat no more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(min(LONGEST, self.expiry / 8)):
            try:
                self.beat()
            except (UnreadableError, LedgerError) as error:
                self.note(f"stamps could not be renewed: {error}")

    def beat(self) -> None:
        """Renew what has lived half its time. Raises UnreadableError, LedgerError."""
        now = self.api.cloud_time.time(self.clock)
        mine = self.ledger.rows("bound", processes=[self.ledger.process])
        for row in mine:
            if row.expires < now + self.expiry / 2 and row.id and row.kind in OWNED_TYPES:
                self._renew(row, int(now + self.expiry))

    def _renew(self, row: LedgerRow, expires: int) -> None:
        stamp = Stamp(self.ledger.run, row.operation, expires)
        resource = StampedResource(OWNED_TYPES[row.kind], str(row.id), stamp, row.name or "")
        body = read_resource(self.api, resource)
        if body is None:
            return
        if needs_stamp(row.kind, body):
            if put_stamp(self.api, self.ledger, resource):
                self.ledger.renew(row.operation, expires)
            return
        if not stamp.is_on(body):  # no longer ours
            return
        change = renewal(resource, body)
        if change is None:
            return
        method, path, document = change
        answer = send_request(self.api, method, resource.type, path, document)
        if answer is None or answer.status_code < 300:
            self.ledger.renew(row.operation, expires)
        else:
            said = f"{method} {path} answered {answer.status_code}: {error_message(answer)}"
            self.note(f"the stamp of {resource} could not be renewed: {said}")


def renewal(resource: StampedResource, body: Body) -> tuple[str, str, object] | None:
    """The request (method, path, document) that puts a new stamp on; None for what has a fixed one.

    `resource` has the new stamp, `body` is the resource as it is.
    """
    resource_type, stamp = resource.type, resource.stamp
    path = resource.path
    mark = {EXPIRES: str(stamp.expires)}
    if resource_type is IMAGE:
        operation = {"op": "replace", "path": f"/{EXPIRES}", "value": mark[EXPIRES]}
        return "PATCH", path, [operation]
    if resource_type is KEYPAIR:
        return None
    if isinstance(body.get("metadata"), dict) and EXPIRES in body["metadata"]:
        if resource_type is BACKUP:
            return "PUT", path, {resource_type.member: {"metadata": {**body["metadata"], **mark}}}
        return "POST", f"{path}/metadata", {"metadata": mark}
    before = Stamp.of(body, described=True)
    assert before is not None
    words = str(body["description"]).removesuffix(before.description())
    return "PUT", path, {resource_type.member: {"description": words + stamp.description()}}
