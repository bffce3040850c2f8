"""Neutron's operations: most are done when they are answered, some have a status to wait for.

Nothing of Neutron has metadata. Its description is what all of it can have from the create request
on, so the stamp stands there: tags can be given to new ports only. The numbers are those of the
rows in the project's notes.
"""

from __future__ import annotations

from pytest_osfutures.operations import predicates as seen
from pytest_osfutures.operations.model import (
    Expectation,
    Operation,
    ResourceType,
    Route,
    UndoRequest,
)
from pytest_osfutures.operations.resource_types import (
    FLOATING_IP,
    NETWORK_TYPES,
    PORT,
)

NEUTRON = "network"
#: What looks at the whole resource; a status alone says enough of the others.
HOLDS = {PORT: seen.is_not_unbindable, FLOATING_IP: seen.leads_as_asked}


def settles(kind: ResourceType) -> Expectation:
    """What has a status ends in ACTIVE or, if nothing uses it, in DOWN."""
    if kind.status is None:
        return Expectation(kind)
    success = frozenset({"ACTIVE", "DOWN"})
    return Expectation(kind, success, kind.busy, frozenset({"ERROR"}), predicate=HOLDS.get(kind))


def create(kind: ResourceType) -> Operation:
    """A row for a request that makes one resource. Neutron also takes several in one request."""
    return Operation(
        f"{kind.name}.create",
        Route(NEUTRON, "POST", kind.list_path or "", kind.member),
        (settles(kind),),
        variables={"id": f"response.{kind.member}.id"},
        creates=True,
        undo=UndoRequest(NEUTRON, "DELETE", kind.path),
        stamp_field=f"{kind.member}.description",
        usual_duration=1.0 if kind.status else 0.5,
    )


OPERATIONS = (
    # 68, 69
    *(create(kind) for kind in NETWORK_TYPES),
    *(
        Operation(
            f"{kind.name}.delete",
            Route(NEUTRON, "DELETE", kind.path),
            (Expectation(kind, running=kind.busy, gone=True),),
            usual_duration=0.5,
        )
        for kind in NETWORK_TYPES
    ),
    Operation(
        "floating ip.update",
        Route(NEUTRON, "PUT", FLOATING_IP.path, FLOATING_IP.member),
        (settles(FLOATING_IP),),
        usual_duration=1.0,
        applies_to=seen.leads_elsewhere,
    ),
)
