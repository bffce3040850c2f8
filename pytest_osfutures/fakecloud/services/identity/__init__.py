"""Keystone: its routes and its model."""

from pytest_osfutures.fakecloud.services.identity.models import PASSWORD, REGION, IdentityModel
from pytest_osfutures.fakecloud.services.identity.urls import SERVICE

__all__ = ["PASSWORD", "REGION", "SERVICE", "IdentityModel"]
