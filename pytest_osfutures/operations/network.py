"""Neutron's operations: docs/operations.md#rules-neutron.

Resources of Neutron have no metadata. The stamp stands in the description, the only free text that
all create requests take: tags are taken for new ports only.
"""

from __future__ import annotations

from dataclasses import replace

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
    TRUNK,
)

NEUTRON = "network"
#: Predicates by resource type; of other types the status says enough.
HOLDS = {PORT: predicates.is_not_unbindable, FLOATING_IP: predicates.has_status_of_its_port}


def settles(resource_type: ResourceType) -> Expectation:
    """Expect ACTIVE, or DOWN if nothing uses the resource; without a status, existence."""
    if resource_type.status is None:
        return Expectation(resource_type)
    success = frozenset({"ACTIVE", "DOWN"})
    return Expectation(
        resource_type,
        success,
        resource_type.busy,
        frozenset({"ERROR"}),
        predicate=HOLDS.get(resource_type),
    )


def create(resource_type: ResourceType) -> Operation:
    """Build the row of the request that creates one resource of a type."""
    return Operation(
        f"{resource_type.name}.create",
        Route(NEUTRON, "POST", resource_type.list_path or "", resource_type.member),
        (settles(resource_type),),
        variables={"id": f"response.{resource_type.member}.id"},
        creates=True,
        undo=UndoRequest(NEUTRON, "DELETE", resource_type.path),
        stamp_field=f"{resource_type.member}.description",
        usual_duration=1.0 if resource_type.status else 0.5,
    )


def change_subports(verb: str) -> Operation:
    """Build the row of a change of a trunk's sub-ports: docs/operations.md#trunk-add-subports."""
    trunk = settles(TRUNK)
    return Operation(
        f"trunk.{verb}_subports",
        Route(NEUTRON, "PUT", f"{TRUNK.path}/{verb}_subports"),
        (
            Expectation(PORT, variables={"id": "{port}"}, extract=predicates.status_of_parent_port),
            replace(
                trunk,
                failure=trunk.failure | {"DEGRADED"},
                predicate=predicates.has_status_of_its_parent_port,
                after_previous=True,
            ),
        ),
        variables={"port": "response.port_id"},
        main_index=1,
        marks_busy=False,
        usual_duration=1.0,
    )


OPERATIONS = (
    *(create(resource_type) for resource_type in NETWORK_TYPES),
    *(
        Operation(
            f"{resource_type.name}.delete",
            Route(NEUTRON, "DELETE", resource_type.path),
            (Expectation(resource_type, running=resource_type.busy, gone=True),),
            usual_duration=0.5,
        )
        for resource_type in NETWORK_TYPES
    ),
    Operation(
        "floating ip.update",
        Route(NEUTRON, "PUT", FLOATING_IP.path, FLOATING_IP.member),
        (settles(FLOATING_IP),),
        usual_duration=1.0,
        applies_to=predicates.changes_port,
    ),
    change_subports("add"),
    change_subports("remove"),
)
