"""The routes of Glance, relative to /image."""

from __future__ import annotations

from pytest_osfutures.fakecloud.service import Service
from pytest_osfutures.fakecloud.wire import Route

ROUTES: list[Route] = []

SERVICE = Service(name="image", prefix="/image", routes=ROUTES, quota_status=413)
