"""The routes of Nova, relative to /compute."""

from __future__ import annotations

from pytest_osfutures.fakecloud.service import Microversions, Service
from pytest_osfutures.fakecloud.wire import Route

ROUTES: list[Route] = []

SERVICE = Service(
    name="compute",
    prefix="/compute",
    routes=ROUTES,
    microversions=Microversions(
        "compute", (2, 1), (2, 96), old_header="X-OpenStack-Nova-API-Version"
    ),
    error_type="application/json; charset=UTF-8",
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
)
