"""Cinder: its routes, its model and its adapter for the other services."""

from pytest_osfutures.fakecloud.services.block_storage.adapter import VolumesAdapter
from pytest_osfutures.fakecloud.services.block_storage.models import BlockStorageModel
from pytest_osfutures.fakecloud.services.block_storage.urls import SERVICE

__all__ = ["SERVICE", "BlockStorageModel", "VolumesAdapter"]
