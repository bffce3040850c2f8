"""Twins on the objects of novaclient, cinderclient, openstacksdk and keystoneauth1."""

from pytest_osfutures.clients.adapter import context_of, service_adapter
from pytest_osfutures.clients.futurizing import futurize, with_twins
from pytest_osfutures.clients.usable import until

__all__ = [
    "context_of",
    "futurize",
    "service_adapter",
    "until",
    "with_twins",
]
