"""Neutron: its routes, its model and its adapter for the other services."""

from pytest_osfutures.fakecloud.services.network.adapter import NetworksAdapter
from pytest_osfutures.fakecloud.services.network.models import NetworkModel
from pytest_osfutures.fakecloud.services.network.models.initial import (
    CIDRS,
    create_initial_resources,
)
from pytest_osfutures.fakecloud.services.network.urls import SERVICE

__all__ = ["CIDRS", "SERVICE", "NetworkModel", "NetworksAdapter", "create_initial_resources"]
