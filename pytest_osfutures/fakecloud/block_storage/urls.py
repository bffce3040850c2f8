"""The routes of Cinder, relative to /volume."""

from __future__ import annotations

from pytest_osfutures.fakecloud.service import Microversions, Service
from pytest_osfutures.fakecloud.wire import Route

ROUTES: list[Route] = []

SERVICE = Service(
    name="block_storage",
    prefix="/volume",
    routes=ROUTES,
    microversions=Microversions("volume", (3, 0), (3, 71)),
    empty_type="text/html; charset=UTF-8",
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    quota_status=413,
    quota_headers={"Retry-After": "0"},
)
