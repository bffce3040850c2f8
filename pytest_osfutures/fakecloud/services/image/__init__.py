"""Glance: its routes, its model and its adapter for the other services."""

from pytest_osfutures.fakecloud.services.image.adapter import ImagesAdapter
from pytest_osfutures.fakecloud.services.image.models import ImageModel
from pytest_osfutures.fakecloud.services.image.urls import SERVICE

__all__ = ["SERVICE", "ImageModel", "ImagesAdapter"]
