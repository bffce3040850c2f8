"""Ownership: stamped resources, stamps that are put on later, and children of resources."""

from pytest_osfutures.ownership.children import (
    CHILDREN,
    MAPPING,
    may_have_children,
    stamp_children,
    stamp_children_of,
)
from pytest_osfutures.ownership.resource import (
    CredentialsRefusedError,
    StampedResource,
    UnreadableError,
    is_ours,
    read_resource,
    send_request,
    stamped_resource,
    unreadable_errors,
)
from pytest_osfutures.ownership.stamping import (
    RowState,
    StampLedger,
    needs_stamp,
    put_stamp,
    resource_of_row,
    stamp_by_id,
)

__all__ = [
    "CHILDREN",
    "MAPPING",
    "CredentialsRefusedError",
    "RowState",
    "StampLedger",
    "StampedResource",
    "UnreadableError",
    "is_ours",
    "may_have_children",
    "needs_stamp",
    "put_stamp",
    "read_resource",
    "resource_of_row",
    "send_request",
    "stamp_by_id",
    "stamp_children",
    "stamp_children_of",
    "stamped_resource",
    "unreadable_errors",
]
