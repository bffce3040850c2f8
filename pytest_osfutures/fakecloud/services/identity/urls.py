"""The routes of Keystone, relative to /identity."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel.service import Service
from pytest_osfutures.fakecloud.kernel.wire import Route
from pytest_osfutures.fakecloud.services.identity import directory, responses

CREDENTIALS = "/v3/users/{user_id}/application_credentials"

ROUTES: list[Route] = [
    Route("GET", "", responses.versions, public=True),
    Route("GET", "/v3", responses.version, public=True),
    Route("POST", "/v3/auth/tokens", responses.create_token, public=True),
    Route("GET", "/v3/auth/tokens", responses.show_token),
    Route("HEAD", "/v3/auth/tokens", responses.check_token),
    Route("DELETE", "/v3/auth/tokens", responses.revoke_token),
    Route("GET", "/v3/auth/catalog", responses.catalog),
    Route("GET", "/v3/auth/projects", responses.own_projects),
    Route("GET", "/v3/auth/domains", responses.own_domains),
    Route("GET", "/v3/projects", directory.list_projects),
    Route("GET", "/v3/projects/{project_id}", directory.show_project),
    Route("GET", "/v3/users", directory.list_users),
    Route("GET", "/v3/users/{user_id}", directory.show_user),
    Route("GET", "/v3/users/{user_id}/projects", directory.list_user_projects),
    Route("GET", "/v3/domains", directory.list_domains),
    Route("GET", "/v3/domains/{domain_id}", directory.show_domain),
    Route("GET", "/v3/roles", directory.list_roles),
    Route("GET", "/v3/regions", directory.list_regions),
    Route("GET", "/v3/regions/{region_id}", directory.show_region),
    Route("GET", "/v3/services", directory.list_services),
    Route("GET", "/v3/endpoints", directory.list_endpoints),
    Route("GET", CREDENTIALS, directory.list_application_credentials),
    Route("POST", CREDENTIALS, directory.create_application_credential),
    Route("GET", CREDENTIALS + "/{credential_id}", directory.show_application_credential),
    Route("DELETE", CREDENTIALS + "/{credential_id}", directory.delete_application_credential),
]

SERVICE = Service(
    name="identity",
    prefix="/identity",
    routes=ROUTES,
    error_body=responses.error_body,
    headers={"Vary": "X-Auth-Token"},
)
