"""Nova: its routes, its model and its adapter for the other services."""

from pytest_osfutures.fakecloud.services.compute.adapter import ServersAdapter
from pytest_osfutures.fakecloud.services.compute.models import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.guest import OpenPort
from pytest_osfutures.fakecloud.services.compute.models.guests import (
    Guest,
    accepted_keys,
    cloud_init_status,
    reachable_guests,
)
from pytest_osfutures.fakecloud.services.compute.urls import SERVICE

__all__ = [
    "SERVICE",
    "ComputeModel",
    "Guest",
    "OpenPort",
    "ServersAdapter",
    "accepted_keys",
    "cloud_init_status",
    "reachable_guests",
]
