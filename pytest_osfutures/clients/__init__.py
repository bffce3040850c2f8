"""The twins on the objects of real client libraries."""

from pytest_osfutures.clients.adapter import Resource, context_of
from pytest_osfutures.clients.binding import futurize

__all__ = [
    "Resource",
    "context_of",
    "futurize",
]
