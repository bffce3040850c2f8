"""Neutron's operations: docs/operations.md#rules-neutron.

Resources of Neutron have no metadata. The stamp stands in the description, the only free text that
all create requests take: tags are taken for new ports only.
"""

from __future__ import annotations

from pytest_osfutures.operations import predicates
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
#: Predicates by resource type; of other types the status says enough.
HOLDS = {PORT: predicates.is_not_unbindable, FLOATING_IP: predicates.has_status_of_its_port}


def settles(kind: ResourceType) -> Expectation:
    """Expect ACTIVE, or DOWN if nothing uses the resource; without a status, existence."""
    if kind.status is None:
        return Expectation(kind)
    success = frozenset({"ACTIVE", "DOWN"})
    return Expectation(kind, success, kind.busy, frozenset({"ERROR"}), predicate=HOLDS.get(kind))


def create(kind: ResourceType) -> Operation:
    """Build the row of the request that creates one resource of a type."""
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
        applies_to=predicates.changes_port,
    ),
)
