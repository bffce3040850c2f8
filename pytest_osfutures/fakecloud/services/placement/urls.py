"""The routes of Placement, relative to /placement."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import ApiError, Microversions, Service, UrlRoute
from pytest_osfutures.fakecloud.services.placement import responses

PROVIDER = "/resource_providers/{provider_id}"

ROUTES: list[UrlRoute] = [
    UrlRoute("GET", "", responses.versions, public=True),
    UrlRoute("GET", "/resource_providers", responses.list_providers),
    UrlRoute("GET", PROVIDER, responses.show_provider),
    UrlRoute("GET", PROVIDER + "/inventories", responses.list_inventories),
    UrlRoute("GET", PROVIDER + "/inventories/{name}", responses.show_inventory),
    UrlRoute("GET", PROVIDER + "/usages", responses.show_usages),
    UrlRoute("GET", PROVIDER + "/aggregates", responses.list_aggregates),
    UrlRoute("GET", PROVIDER + "/traits", responses.list_provider_traits),
    UrlRoute("GET", PROVIDER + "/allocations", responses.list_provider_allocations),
    UrlRoute("GET", "/allocations/{consumer_id}", responses.show_allocations),
    UrlRoute("GET", "/allocation_candidates", responses.list_candidates),
    UrlRoute("GET", "/traits", responses.list_traits),
    UrlRoute("GET", "/traits/{name}", responses.check_trait),
    UrlRoute("GET", "/resource_classes", responses.list_classes),
    UrlRoute("GET", "/resource_classes/{name}", responses.show_class),
    UrlRoute("GET", "/usages", responses.show_project_usages),
]

SERVICE = Service(
    name="placement",
    types=("placement",),
    needs_project=True,
    prefix="/placement",
    routes=ROUTES,
    microversions=Microversions("placement", responses.LOWEST, responses.HIGHEST),
    error_body=responses.error_body,
    unknown_path=responses.error_body(ApiError(404, "")),
)
