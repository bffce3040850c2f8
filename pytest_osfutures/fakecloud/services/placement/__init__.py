"""Placement, for reading: its routes and its model."""

from pytest_osfutures.fakecloud.services.placement.models import PlacementModel
from pytest_osfutures.fakecloud.services.placement.urls import SERVICE

__all__ = ["SERVICE", "PlacementModel"]
