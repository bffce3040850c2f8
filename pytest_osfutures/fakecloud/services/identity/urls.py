"""The routes of Keystone, relative to /identity."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    Service,
    UrlRoute,
)
from pytest_osfutures.fakecloud.services.identity.responses import (
    catalog,
    credentials,
    general,
    projects,
    roles,
    tokens,
    trusts,
    users,
)

CREDENTIALS = "/v3/users/{user_id}/application_credentials"
RULES = "/v3/users/{user_id}/access_rules"
TRUSTS = "/v3/OS-TRUST/trusts"
TAGS = "/v3/projects/{project_id}/tags"
IMPLIES = "/v3/roles/{role_id}/implies"
MEMBERS = "/v3/groups/{group_id}/users"


def _grants() -> list[UrlRoute]:
    """Return the routes for the roles of users and groups on each type of target."""
    made = []
    for kind in ("project", "domain", "system"):
        for actor in ("user", "group"):
            on = "/system" if kind == "system" else f"/{kind}s/{{{kind}_id}}"
            path = f"{on}/{actor}s/{{{actor}_id}}/roles"
            made += _grant_routes(f"/v3{path}", "", roles.Grants(actor, kind))
            if kind != "system":
                grants = roles.Grants(actor, kind, inherited=True)
                made += _grant_routes(f"/v3/OS-INHERIT{path}", "/inherited_to_projects", grants)
    return made


def _grant_routes(path: str, end: str, grants: roles.Grants) -> list[UrlRoute]:
    one = f"{path}/{{role_id}}{end}"
    return [
        UrlRoute("GET", path + end, grants.list),
        UrlRoute("PUT", one, grants.grant),
        UrlRoute("HEAD", one, grants.check),
        UrlRoute("GET", one, grants.check),
        UrlRoute("DELETE", one, grants.revoke),
    ]


ROUTES: list[UrlRoute] = [
    UrlRoute("GET", "", tokens.versions, public=True),
    UrlRoute("GET", "/v3", tokens.version, public=True),
    UrlRoute("POST", "/v3/auth/tokens", tokens.create_token, public=True),
    UrlRoute("GET", "/v3/auth/tokens", tokens.show_token),
    UrlRoute("HEAD", "/v3/auth/tokens", tokens.check_token),
    UrlRoute("DELETE", "/v3/auth/tokens", tokens.revoke_token),
    UrlRoute("GET", "/v3/auth/catalog", tokens.catalog),
    UrlRoute("GET", "/v3/auth/projects", tokens.own_projects),
    UrlRoute("GET", "/v3/auth/domains", tokens.own_domains),
    UrlRoute("GET", "/v3/auth/system", tokens.own_system),
    UrlRoute("GET", "/v3/OS-FEDERATION/projects", tokens.own_projects),
    UrlRoute("GET", "/v3/OS-FEDERATION/domains", tokens.own_domains),
    UrlRoute("GET", "/v3/projects", projects.list_projects),
    UrlRoute("POST", "/v3/projects", projects.create_project),
    UrlRoute("GET", "/v3/projects/{project_id}", projects.show_project),
    UrlRoute("PATCH", "/v3/projects/{project_id}", projects.change_project),
    UrlRoute("DELETE", "/v3/projects/{project_id}", projects.delete_project),
    UrlRoute("GET", TAGS, projects.list_tags),
    UrlRoute("PUT", TAGS, projects.replace_tags),
    UrlRoute("DELETE", TAGS, projects.delete_tags),
    UrlRoute("GET", TAGS + "/{tag}", projects.check_tag),
    UrlRoute("HEAD", TAGS + "/{tag}", projects.check_tag),
    UrlRoute("PUT", TAGS + "/{tag}", projects.add_tag),
    UrlRoute("DELETE", TAGS + "/{tag}", projects.remove_tag),
    UrlRoute("GET", "/v3/domains", projects.list_domains),
    UrlRoute("POST", "/v3/domains", projects.create_domain),
    UrlRoute("GET", "/v3/domains/{domain_id}", projects.show_domain),
    UrlRoute("PATCH", "/v3/domains/{domain_id}", projects.change_domain),
    UrlRoute("DELETE", "/v3/domains/{domain_id}", projects.delete_domain),
    UrlRoute("GET", "/v3/users", users.list_users),
    UrlRoute("POST", "/v3/users", users.create_user),
    UrlRoute("GET", "/v3/users/{user_id}", users.show_user),
    UrlRoute("PATCH", "/v3/users/{user_id}", users.change_user),
    UrlRoute("DELETE", "/v3/users/{user_id}", users.delete_user),
    UrlRoute("POST", "/v3/users/{user_id}/password", users.change_password, public=True),
    UrlRoute("GET", "/v3/users/{user_id}/projects", users.list_user_projects),
    UrlRoute("GET", "/v3/users/{user_id}/groups", users.list_user_groups),
    UrlRoute("GET", "/v3/groups", users.list_groups),
    UrlRoute("POST", "/v3/groups", users.create_group),
    UrlRoute("GET", "/v3/groups/{group_id}", users.show_group),
    UrlRoute("PATCH", "/v3/groups/{group_id}", users.change_group),
    UrlRoute("DELETE", "/v3/groups/{group_id}", users.delete_group),
    UrlRoute("GET", MEMBERS, users.list_group_users),
    UrlRoute("PUT", MEMBERS + "/{user_id}", users.add_group_user),
    UrlRoute("HEAD", MEMBERS + "/{user_id}", users.check_group_user),
    UrlRoute("DELETE", MEMBERS + "/{user_id}", users.remove_group_user),
    UrlRoute("GET", "/v3/roles", roles.list_roles),
    UrlRoute("POST", "/v3/roles", roles.create_role),
    UrlRoute("GET", "/v3/roles/{role_id}", roles.show_role),
    UrlRoute("PATCH", "/v3/roles/{role_id}", roles.change_role),
    UrlRoute("DELETE", "/v3/roles/{role_id}", roles.delete_role),
    UrlRoute("GET", "/v3/role_inferences", roles.list_inferences),
    UrlRoute("GET", IMPLIES, roles.list_implied),
    UrlRoute("GET", IMPLIES + "/{implied_id}", roles.show_implied),
    UrlRoute("HEAD", IMPLIES + "/{implied_id}", roles.check_implied),
    UrlRoute("PUT", IMPLIES + "/{implied_id}", roles.imply),
    UrlRoute("DELETE", IMPLIES + "/{implied_id}", roles.end_implied),
    UrlRoute("GET", "/v3/role_assignments", roles.list_assignments),
    *_grants(),
    UrlRoute("GET", "/v3/regions", catalog.list_regions),
    UrlRoute("POST", "/v3/regions", catalog.create_region),
    UrlRoute("GET", "/v3/regions/{region_id}", catalog.show_region),
    UrlRoute("PUT", "/v3/regions/{region_id}", catalog.create_region),
    UrlRoute("PATCH", "/v3/regions/{region_id}", catalog.change_region),
    UrlRoute("DELETE", "/v3/regions/{region_id}", catalog.delete_region),
    UrlRoute("GET", "/v3/services", catalog.list_services),
    UrlRoute("POST", "/v3/services", catalog.create_service),
    UrlRoute("GET", "/v3/services/{service_id}", catalog.show_service),
    UrlRoute("PATCH", "/v3/services/{service_id}", catalog.change_service),
    UrlRoute("DELETE", "/v3/services/{service_id}", catalog.delete_service),
    UrlRoute("GET", "/v3/endpoints", catalog.list_endpoints),
    UrlRoute("POST", "/v3/endpoints", catalog.create_endpoint),
    UrlRoute("GET", "/v3/endpoints/{endpoint_id}", catalog.show_endpoint),
    UrlRoute("PATCH", "/v3/endpoints/{endpoint_id}", catalog.change_endpoint),
    UrlRoute("DELETE", "/v3/endpoints/{endpoint_id}", catalog.delete_endpoint),
    UrlRoute("GET", "/v3/credentials", catalog.list_credentials),
    UrlRoute("GET", "/v3/policies", catalog.list_policies),
    UrlRoute("GET", "/v3/limits", catalog.list_limits),
    UrlRoute("GET", "/v3/limits/model", catalog.show_limit_model),
    UrlRoute("GET", "/v3/registered_limits", catalog.list_registered_limits),
    UrlRoute("GET", CREDENTIALS, credentials.list_application_credentials),
    UrlRoute("POST", CREDENTIALS, credentials.create_application_credential),
    UrlRoute("GET", CREDENTIALS + "/{credential_id}", credentials.show_application_credential),
    UrlRoute("DELETE", CREDENTIALS + "/{credential_id}", credentials.delete_application_credential),
    UrlRoute("GET", RULES, credentials.list_access_rules),
    UrlRoute("GET", RULES + "/{rule_id}", credentials.show_access_rule),
    UrlRoute("DELETE", RULES + "/{rule_id}", credentials.delete_access_rule),
    UrlRoute("GET", TRUSTS, trusts.list_trusts),
    UrlRoute("POST", TRUSTS, trusts.create_trust),
    UrlRoute("GET", TRUSTS + "/{trust_id}", trusts.show_trust),
    UrlRoute("DELETE", TRUSTS + "/{trust_id}", trusts.delete_trust),
    UrlRoute("GET", TRUSTS + "/{trust_id}/roles", trusts.list_trust_roles),
    UrlRoute("GET", TRUSTS + "/{trust_id}/roles/{role_id}", trusts.show_trust_role),
    UrlRoute("HEAD", TRUSTS + "/{trust_id}/roles/{role_id}", trusts.show_trust_role),
]

SERVICE = Service(
    name="identity",
    prefix="/identity",
    routes=ROUTES,
    types=("identity",),
    error_body=general.error_body,
    headers={"Vary": "X-Auth-Token"},
)
