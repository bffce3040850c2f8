"""Which resources are ours: stamps put on later, and what the cloud makes for a resource."""

from pytest_osfutures.ownership.children import CHILDREN, MAPPING, adopt, adopt_made, may_have
from pytest_osfutures.ownership.marking import Notes, known, mark, needs_mark, put_mark, unmarked
from pytest_osfutures.ownership.resource import (
    CredentialsRefusedError,
    Leftover,
    UnreadableError,
    ask,
    carrier,
    is_ours,
    read,
    readable,
)

__all__ = [
    "CHILDREN",
    "MAPPING",
    "CredentialsRefusedError",
    "Leftover",
    "Notes",
    "UnreadableError",
    "adopt",
    "adopt_made",
    "ask",
    "carrier",
    "is_ours",
    "known",
    "mark",
    "may_have",
    "needs_mark",
    "put_mark",
    "read",
    "readable",
    "unmarked",
]
