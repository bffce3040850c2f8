"""The heartbeat of a run: the stamps of a long run are renewed before they expire.

A stamp is renewed after half of the lifetime, with one read and one change of the resource.
"""

from __future__ import annotations

import threading

from pytest_osfutures.cleanup.ledger import Ledger, LedgerError
from pytest_osfutures.cleanup.rows import LedgerRow
from pytest_osfutures.cleanup.sweep import SweepContext
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
from pytest_osfutures.transport import describe_refusal, is_success

#: Longest pause in seconds between two searches for stamps to renew.
LONGEST_PAUSE = 600.0


class Heartbeat:
    """Renews the stamps of one process of a run.

    Args:
        ledger: Ledger of the run.
        expiry: Lifetime of a stamp in seconds.
    """

    def __init__(self, context: SweepContext, ledger: Ledger, expiry: float) -> None:
        self.context = context
        self.ledger = ledger
        self.expiry = expiry
        self._stopped = threading.Event()

    def start(self) -> None:
        """Beat in a thread until `stop`."""
        threading.Thread(target=self._run, name="osfutures-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(min(LONGEST_PAUSE, self.expiry / 8)):
            try:
                self.beat()
            except (UnreadableError, LedgerError) as error:
                self.context.note(f"stamps could not be renewed: {error}")

    def beat(self) -> None:
        """Renew the stamps after half of their lifetime. Raises UnreadableError, LedgerError."""
        now = self.context.cloud_time()
        for row in self.ledger.rows("bound", processes=[self.ledger.process]):
            if row.expires < now + self.expiry / 2 and row.id and row.kind in OWNED_TYPES:
                self._renew(row, int(now + self.expiry))

    def _renew(self, row: LedgerRow, expires: int) -> None:
        api = self.context.api
        stamp = Stamp(self.ledger.run, row.operation, expires)
        resource = StampedResource(OWNED_TYPES[row.kind], str(row.id), stamp, row.name or "")
        body = read_resource(api, resource)
        if body is None:
            return
        if needs_stamp(row.kind, body):
            if put_stamp(api, self.ledger, resource):
                self.ledger.renew(row.operation, expires)
            return
        change = renewal(resource, body) if stamp.is_on(body) else None
        if change is None:
            return
        method, path, document = change
        response = send_request(api, method, resource.type, path, document)
        if response is None or is_success(response.status_code):
            self.ledger.renew(row.operation, expires)
        else:
            refusal = describe_refusal(method, path, response)
            self.context.note(f"the stamp of {resource} could not be renewed: {refusal}")


def renewal(resource: StampedResource, body: Body) -> tuple[str, str, object] | None:
    """Return the request (method, path, document) that renews a stamp; None if none can.

    Args:
        resource: Resource with the new stamp.
        body: Resource as the cloud's answer shows it.
    """
    resource_type, stamp, path = resource.type, resource.stamp, resource.path
    metadata = {EXPIRES: str(stamp.expires)}
    if resource_type is IMAGE:
        operation = {"op": "replace", "path": f"/{EXPIRES}", "value": metadata[EXPIRES]}
        return "PATCH", path, [operation]
    if resource_type is KEYPAIR:
        return None
    member = resource_type.member
    if isinstance(body.get("metadata"), dict) and EXPIRES in body["metadata"]:
        if resource_type is BACKUP:  # Cinder has no request for single items of its metadata
            return "PUT", path, {member: {"metadata": {**body["metadata"], **metadata}}}
        return "POST", f"{path}/metadata", {"metadata": metadata}
    before = Stamp.of(body, described=True)
    assert before is not None
    words = str(body["description"]).removesuffix(before.description())
    return "PUT", path, {member: {"description": words + stamp.description()}}
