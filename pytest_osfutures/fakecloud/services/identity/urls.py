"""The routes of Keystone, relative to /identity."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    Service,
    UrlRoute,
)
from pytest_osfutures.fakecloud.services.identity import directory, responses

CREDENTIALS = "/v3/users/{user_id}/application_credentials"

ROUTES: list[UrlRoute] = [
    UrlRoute("GET", "", responses.versions, public=True),
    UrlRoute("GET", "/v3", responses.version, public=True),
    UrlRoute("POST", "/v3/auth/tokens", responses.create_token, public=True),
    UrlRoute("GET", "/v3/auth/tokens", responses.show_token),
    UrlRoute("HEAD", "/v3/auth/tokens", responses.check_token),
    UrlRoute("DELETE", "/v3/auth/tokens", responses.revoke_token),
    UrlRoute("GET", "/v3/auth/catalog", responses.catalog),
    UrlRoute("GET", "/v3/auth/projects", responses.own_projects),
    UrlRoute("GET", "/v3/auth/domains", responses.own_domains),
    UrlRoute("GET", "/v3/projects", directory.list_projects),
    UrlRoute("GET", "/v3/projects/{project_id}", directory.show_project),
    UrlRoute("GET", "/v3/users", directory.list_users),
    UrlRoute("GET", "/v3/users/{user_id}", directory.show_user),
    UrlRoute("GET", "/v3/users/{user_id}/projects", directory.list_user_projects),
    UrlRoute("GET", "/v3/domains", directory.list_domains),
    UrlRoute("GET", "/v3/domains/{domain_id}", directory.show_domain),
    UrlRoute("GET", "/v3/roles", directory.list_roles),
    UrlRoute("GET", "/v3/regions", directory.list_regions),
    UrlRoute("GET", "/v3/regions/{region_id}", directory.show_region),
    UrlRoute("GET", "/v3/services", directory.list_services),
    UrlRoute("GET", "/v3/endpoints", directory.list_endpoints),
    UrlRoute("GET", CREDENTIALS, directory.list_application_credentials),
    UrlRoute("POST", CREDENTIALS, directory.create_application_credential),
    UrlRoute("GET", CREDENTIALS + "/{credential_id}", directory.show_application_credential),
    UrlRoute("DELETE", CREDENTIALS + "/{credential_id}", directory.delete_application_credential),
]

SERVICE = Service(
    name="identity",
    prefix="/identity",
    routes=ROUTES,
    error_body=responses.error_body,
    headers={"Vary": "X-Auth-Token"},
)
