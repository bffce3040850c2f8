"""Keystone's handlers for projects, users, roles, services, endpoints and credentials."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import (
    DOMAIN,
    REGION,
    ApplicationCredential,
)
from pytest_osfutures.fakecloud.services.identity.responses import page, project_view, user_view


def _allow(call: IdentityCall, rule: str, owner: bool = False) -> None:
    if not (call.caller.is_admin or owner):
        raise ApiError(
            403, f"You are not authorized to perform the requested action: identity:{rule}."
        )


def _named(call: IdentityCall, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    name = call.request.param("name")
    return [row for row in rows if name in (None, row["name"])]


def list_projects(call: IdentityCall) -> Response:
    """List all projects."""
    _allow(call, "list_projects")
    rows = [project_view(call, project) for project in call.model.projects.values()]
    return page(call, "projects", _named(call, rows))


def show_project(call: IdentityCall, project_id: str) -> Response:
    """Show one project."""
    project = call.model.projects.get(project_id)
    _allow(call, "get_project", owner=project_id == call.caller.project_id)
    if project is None:
        raise ApiError(404, f"Could not find project: {project_id}.")
    return Response(200, {"project": project_view(call, project)})


def list_users(call: IdentityCall) -> Response:
    """List all users."""
    _allow(call, "list_users")
    rows = [user_view(call, user) for user in call.model.users.values()]
    return page(call, "users", _named(call, rows))


def show_user(call: IdentityCall, user_id: str) -> Response:
    """Show one user."""
    _allow(call, "get_user", owner=user_id == call.caller.user_id)
    user = call.model.users.get(user_id)
    if user is None:
        raise ApiError(404, f"Could not find user: {user_id}.")
    return Response(200, {"user": user_view(call, user)})


def list_user_projects(call: IdentityCall, user_id: str) -> Response:
    """List the projects in which a user has a role."""
    _allow(call, "list_user_projects", owner=user_id == call.caller.user_id)
    model = call.model
    user = model.users.get(user_id)
    if user is None:
        raise ApiError(404, f"Could not find user: {user_id}.")
    rows = [project_view(call, model.projects[project]) for project in user.roles]
    return page(call, "projects", rows)


def list_domains(call: IdentityCall) -> Response:
    """List the domains: only `default`."""
    _allow(call, "list_domains")
    return page(call, "domains", [_domain(call)])


def show_domain(call: IdentityCall, domain_id: str) -> Response:
    """Show the domain `default`."""
    _allow(call, "get_domain")
    if domain_id != DOMAIN["id"]:
        raise ApiError(404, f"Could not find domain: {domain_id}.")
    return Response(200, {"domain": _domain(call)})


def _domain(call: IdentityCall) -> dict[str, Any]:
    links = {"self": f"{call.root}/v3/domains/default"}
    return {**DOMAIN, "description": "The default domain", "enabled": True, "links": links}


def list_roles(call: IdentityCall) -> Response:
    """List all roles."""
    _allow(call, "list_roles")
    rows = [
        {
            "id": role_id,
            "name": name,
            "domain_id": None,
            "description": None,
            "options": {},
            "links": {"self": f"{call.root}/v3/roles/{role_id}"},
        }
        for name, role_id in call.model.role_ids.items()
    ]
    return page(call, "roles", _named(call, rows))


def _region(call: IdentityCall) -> dict[str, Any]:
    links = {"self": f"{call.root}/v3/regions/{REGION}"}
    return {"id": REGION, "description": "", "parent_region_id": None, "links": links}


def list_regions(call: IdentityCall) -> Response:
    """List the only region."""
    return page(call, "regions", [_region(call)])


def show_region(call: IdentityCall, region_id: str) -> Response:
    """Show the only region."""
    if region_id != REGION:
        raise ApiError(404, f"Could not find region: {region_id}.")
    return Response(200, {"region": _region(call)})


def list_services(call: IdentityCall) -> Response:
    """List the services of the catalog."""
    _allow(call, "list_services")
    rows = [
        {
            "id": entry["id"],
            "name": entry["name"],
            "type": entry["type"],
            "enabled": True,
            "links": {"self": f"{call.root}/v3/services/{entry['id']}"},
        }
        for entry in call.model.catalog(call.request.origin, "$(project_id)s")
    ]
    return page(call, "services", rows)


def list_endpoints(call: IdentityCall) -> Response:
    """List the endpoints of the catalog."""
    _allow(call, "list_endpoints")
    rows = [
        {
            **endpoint,
            "service_id": entry["id"],
            "enabled": True,
            "links": {"self": f"{call.root}/v3/endpoints/{endpoint['id']}"},
        }
        for entry in call.model.catalog(call.request.origin, "$(project_id)s")
        for endpoint in entry["endpoints"]
    ]
    return page(call, "endpoints", rows)


def _credential_view(call: IdentityCall, credential: ApplicationCredential) -> dict[str, Any]:
    role_ids = call.model.role_ids
    url = f"{call.root}/v3/users/{credential.user_id}/application_credentials/{credential.id}"
    return {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "project_id": credential.project_id,
        "roles": [{"id": role_ids[name], "name": name} for name in credential.roles],
        "expires_at": None,
        "unrestricted": credential.unrestricted,
        "links": {"self": url},
    }


def list_application_credentials(call: IdentityCall, user_id: str) -> Response:
    """List a user's application credentials."""
    _allow(call, "list_application_credentials", owner=user_id == call.caller.user_id)
    rows = [
        _credential_view(call, credential)
        for credential in call.model.application_credentials.listed()
        if credential.user_id == user_id
    ]
    return page(call, "application_credentials", _named(call, rows))


def _check_credential(body: dict[str, Any]) -> None:
    """Raise ApiError(400), with the messages of Keystone's JSON schema."""

    def check(field: str, value: Any, *kinds: type) -> None:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            listed = ", ".join(f"'{JSON_TYPES[kind]}'" for kind in kinds)
            why = f"{value!r} is not of type {listed}"
            raise ApiError(400, f"Invalid input for field/attribute {field}. Value: {value}. {why}")

    nothing = type(None)
    check("name", body["name"], str)
    check("secret", body.get("secret"), str, nothing)
    check("description", body.get("description"), str, nothing)
    check("unrestricted", body.get("unrestricted"), bool, nothing)
    check("roles", body.get("roles", []), list)
    for index, role in enumerate(body.get("roles", [])):
        check(str(index), role, dict)
        check("name", role.get("name", ""), str)


JSON_TYPES = {str: "string", bool: "boolean", list: "array", dict: "object", type(None): "null"}


def create_application_credential(call: IdentityCall, user_id: str) -> Response:
    """Create an application credential; only this response has its secret."""
    if (
        user_id != call.caller.user_id
    ):  # administrators cannot create a credential for another user either
        _allow(call, "create_application_credential", owner=False)
    body, model = call.part("application_credential"), call.model
    if not body.get("name"):
        raise ApiError(400, "'name' is a required property")
    _check_credential(body)
    if any((c.user_id, c.name) == (user_id, body["name"]) for c in model.application_credentials):
        raise ApiError(
            409,
            "Conflict occurred attempting to store application_credential - "
            f"Duplicate entry found with name {body['name']}.",
        )
    wanted = [role.get("name") for role in body.get("roles") or ()]
    credential = model.application_credentials.add(
        ApplicationCredential(
            id=call.runtime.new_id().replace("-", ""),
            name=body["name"],
            project_id=call.caller.project_id,
            user_id=user_id,
            secret=body.get("secret") or call.runtime.new_id(),
            roles=tuple(r for r in call.caller.roles if not wanted or r in wanted),
            description=body.get("description"),
            unrestricted=bool(body.get("unrestricted")),
        )
    )
    view = _credential_view(call, credential) | {"secret": credential.secret}
    return Response(201, {"application_credential": view})


def _credential(call: IdentityCall, user_id: str, credential_id: str) -> ApplicationCredential:
    _allow(call, "get_application_credential", owner=user_id == call.caller.user_id)
    credential = call.model.application_credentials.get(credential_id)
    if credential is None or credential.user_id != user_id:
        raise ApiError(404, f"Could not find Application Credential: {credential_id}.")
    return credential


def show_application_credential(call: IdentityCall, user_id: str, credential_id: str) -> Response:
    """Show one application credential."""
    view = _credential_view(call, _credential(call, user_id, credential_id))
    return Response(200, {"application_credential": view})


def delete_application_credential(call: IdentityCall, user_id: str, credential_id: str) -> Response:
    """Delete an application credential; it gives no token any more."""
    model = call.model
    model.application_credentials.remove(_credential(call, user_id, credential_id))
    return Response(204)
