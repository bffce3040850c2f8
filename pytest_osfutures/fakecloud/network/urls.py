"""The routes of Neutron, relative to /network."""

from __future__ import annotations

from pytest_osfutures.fakecloud.service import Service
from pytest_osfutures.fakecloud.wire import Route

ROUTES: list[Route] = []

SERVICE = Service(name="network", prefix="/network", routes=ROUTES, quota_status=409)
