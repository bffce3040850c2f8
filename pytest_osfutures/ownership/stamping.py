"""Putting the stamp on what could not get it from its request, and once more on what lost it.

Cinder writes the metadata of a backup over those of the volume that it is restored to, and the
images that Cinder and Nova make have the properties of others. So the stamp is put on as soon as
the id is known, together with that id: it tells the original from its copies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

from pytest_osfutures.operations import IMAGE, OWNED_TYPES, VOLUME, Body
from pytest_osfutures.ownership.resource import StampedResource, UnreadableError, send_request
from pytest_osfutures.stamp import OF, Stamp, is_restored
from pytest_osfutures.transport import ApiClient, error_message


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
    """What marking needs of a ledger."""

    run: str

    def rows(self, *states: str) -> Sequence[StampedRow]: ...
    def note(self, text: str) -> None: ...
    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]: ...
    def write(self, sql: str, values: Sequence[object] = ()) -> int: ...


def unstamped_operations(ledger: StampLedger) -> set[str]:
    """The operations of which what they have made may not carry their stamp."""
    found = ledger.read("SELECT name FROM facts WHERE value = 'unmarked'")
    return {str(name).removeprefix("operation ") for (name,) in found}


def resource_of_row(
    ledger: StampLedger, row: StampedRow, is_unmarked: bool = False
) -> StampedResource:
    """What a row of the ledger knows by its id, whatever the cloud has made of its stamp."""
    stamp = Stamp(ledger.run, row.operation, row.expires)
    name = row.name or ""
    return StampedResource(
        OWNED_TYPES[row.kind], str(row.id), stamp, name, known=True, unmarked=is_unmarked
    )


def needs_stamp(kind: str, body: Body) -> bool:
    """Whether it cannot tell by itself that it is the original.

    A volume that a backup was restored to cannot, nor an image that was made without its id. An
    image must not be changed before it is active: Glance may lose what is being uploaded.
    """
    if kind == IMAGE.name:
        return body.get(OF) != body.get("id") and body.get("status") == "active"
    return kind == VOLUME.name and is_restored(body) and Stamp.of(body) is None


def stamp_by_id(api: ApiClient, ledger: StampLedger, kind: str, ident: str) -> None:
    """Put on the stamp that the ledger has for this resource; it is noted if that fails."""
    try:
        for row in ledger.rows("intent", "bound", "kept"):
            if (row.kind, row.id) == (kind, ident) and put_stamp(
                api, ledger, resource_of_row(ledger, row)
            ):
                sql = "DELETE FROM facts WHERE name = ?"
                ledger.write(sql, (f"operation {row.operation}",))
    except (sqlite3.Error, UnreadableError) as error:
        ledger.note(f"{kind} {ident} has no stamp yet: {error}")


def put_stamp(api: ApiClient, ledger: StampLedger | None, resource: StampedResource) -> bool:
    """Put the whole stamp on, with the id; whether the cloud took it. Raises UnreadableError."""
    resource_type, marks = resource.type, resource.stamp.metadata(resource.id)
    path = resource.path
    if resource_type is IMAGE:
        changes = [{"op": "add", "path": f"/{key}", "value": marks[key]} for key in marks]
        answer = send_request(api, "PATCH", resource_type, path, changes)
    else:
        answer = send_request(api, "POST", resource_type, f"{path}/metadata", {"metadata": marks})
    if answer is None or answer.status_code == 404:
        return False
    if answer.status_code >= 300:
        said = f"{answer.status_code}: {error_message(answer)}"
        if ledger is not None:
            ledger.note(f"the stamp could not be put on {resource}: the answer was {said}")
        return False
    return True
