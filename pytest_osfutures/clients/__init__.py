"""The twins on the objects of real client libraries."""

from pytest_osfutures.clients.adapter import Resource, binding_of
from pytest_osfutures.clients.binding import futurize

__all__ = [
    "Resource",
    "binding_of",
    "futurize",
]
