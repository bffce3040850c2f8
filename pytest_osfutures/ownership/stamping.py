"""Stamps that are put on after the creation, or once more after the cloud overwrote them.

Cinder writes the metadata of a backup over those of the target volume, and the images
that Cinder and Nova make have the properties of other images. The stamp that is put on afterwards
includes the resource's id (`osf_of`), which tells the original from copies.
See docs/leaks.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal, Protocol

from pytest_osfutures.operations import IMAGE, OWNED_TYPES, VOLUME, Body
from pytest_osfutures.ownership.resource import StampedResource, UnreadableError, send_request
from pytest_osfutures.stamp import OF, Stamp, is_restored
from pytest_osfutures.transport import ApiClient, error_message, is_missing, is_success

#: States of a resource in a ledger. "intent": the create request is about to leave; "bound": the id
#: is known; "gone": the resource is deleted; "kept": nobody deletes the resource before it expires.
RowState = Literal["intent", "bound", "gone", "kept"]


class StampedRow(Protocol):
    """One resource in a ledger."""

    @property
    def operation(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def expires(self) -> int: ...


class StampLedger(Protocol):
    """The part of a ledger that stamping needs."""

    run: str

    def rows(self, *states: RowState) -> Sequence[StampedRow]:
        """Return the rows in any of these states."""

    def note(self, text: str) -> None:
        """Add a line to the ledger's notes."""

    def unstamped_operations(self) -> set[str]:
        """Return the operations whose resources may not carry their stamp."""

    def mark_stamped(self, operation: str) -> None:
        """Record that the resource of an operation carries the stamp now."""

    def add_child(self, operation: str, kind: str, ident: str) -> None:
        """Add a row for a resource that the cloud made for the resource of an operation."""


def resource_of_row(
    ledger: StampLedger, row: StampedRow, is_unstamped: bool = False
) -> StampedResource:
    """Return the resource of a ledger's row that has an id, with the stamp that the row demands."""
    return StampedResource(
        OWNED_TYPES[row.kind],
        str(row.id),
        Stamp(ledger.run, row.operation, row.expires),
        row.name or "",
        in_ledger=True,
        unstamped=is_unstamped,
    )


def needs_stamp(kind: str, body: Body) -> bool:
    """Return True for a resource without the mark of an original that can be changed now.

    That is a volume after the restore of a backup, and an image whose request did not fix the id.
    Glance may lose the data of an image that changes during the upload, so the image has to be
    active.
    """
    if kind == IMAGE.name:
        return body.get(OF) != body.get("id") and body.get("status") == "active"
    return kind == VOLUME.name and is_restored(body) and Stamp.of(body) is None


def stamp_by_id(api: ApiClient, ledger: StampLedger, kind: str, ident: str) -> None:
    """Put the stamp of the ledger's row on a resource; a failure becomes a note in the ledger."""
    try:
        for row in ledger.rows("intent", "bound", "kept"):
            same = (row.kind, row.id) == (kind, ident)
            if same and put_stamp(api, ledger, resource_of_row(ledger, row)):
                ledger.mark_stamped(row.operation)
    except (sqlite3.Error, UnreadableError) as error:
        ledger.note(f"{kind} {ident} has no stamp yet: {error}")


def put_stamp(api: ApiClient, ledger: StampLedger | None, resource: StampedResource) -> bool:
    """Put the stamp on a resource, with the resource's id; return True if the service accepted it.

    Raises UnreadableError if there is no response.
    """
    metadata = resource.stamp.metadata(resource.id)
    if resource.type is IMAGE:
        changes = [{"op": "add", "path": f"/{key}", "value": metadata[key]} for key in metadata]
        response = send_request(api, "PATCH", IMAGE, resource.path, changes)
    else:
        path = f"{resource.path}/metadata"
        response = send_request(api, "POST", resource.type, path, {"metadata": metadata})
    if response is None or is_missing(response.status_code):
        return False
    if not is_success(response.status_code):
        if ledger is not None:
            ledger.note(
                f"the stamp could not be put on {resource}: the answer was "
                f"{response.status_code}: {error_message(response)}"
            )
        return False
    return True
