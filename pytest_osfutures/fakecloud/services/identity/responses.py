"""Keystone's handlers for tokens and version documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    MALFORMED,
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import (
    DOMAIN,
    AuthenticationError,
    IdentityModel,
    Project,
    Token,
    User,
)

NO_JSON = f"Expecting to find valid JSON in request body. {MALFORMED[:-1]}."


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Keystone's error body."""
    title = HTTPStatus(error.status).phrase
    return {"error": {"code": error.status, "message": error.message, "title": title}}


def _version(call: IdentityCall) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.root}/v3/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v3+json",
            }
        ],
    }


def versions(call: IdentityCall) -> Response:
    """List the API versions: only v3."""
    body = {"versions": {"values": [_version(call)]}}
    return Response(300, body, {"Location": f"{call.root}/v3/"})


def version(call: IdentityCall) -> Response:
    """Show the version document of v3."""
    return Response(200, {"version": _version(call)})


def _wrong(call: IdentityCall) -> ApiError:
    return ApiError(
        401,
        "The request you have made requires authentication.",
        headers={"WWW-Authenticate": f'Keystone uri="{call.root}/v3"'},
    )


def create_token(call: IdentityCall) -> Response:
    """Issue a token for a password, a token or an application credential."""
    auth = call.json().get("auth")
    identity = auth.get("identity") if isinstance(auth, dict) else None
    if not isinstance(auth, dict) or not isinstance(identity, dict):
        raise ApiError(400, "'identity' is a required property")
    try:
        token = _issue(call.model, identity, auth.get("scope"))
    except AuthenticationError:
        raise _wrong(call) from None
    except (KeyError, TypeError, AttributeError):
        raise ApiError(400, MALFORMED) from None
    return Response(201, {"token": _token(call, token)}, {"X-Subject-Token": token.id})


def _issue(model: IdentityModel, identity: dict[str, Any], scope: Any) -> Token:
    methods = list(identity["methods"])
    if "application_credential" in methods:
        given = identity["application_credential"]
        owner = given.get("user") or {}
        credential = model.by_application_credential(
            given.get("id") or given["name"],
            given["secret"],
            owner.get("id") or owner.get("name"),
        )
        project: Project | None = model.projects[credential.project_id]
        return model.issue(model.users[credential.user_id], project, methods, credential.roles)
    if "token" in methods:
        old = model.token(identity["token"]["id"])
        if old is None:
            raise AuthenticationError
        project = _scope(model, scope)
        return model.issue(old.user, project, [*methods, *old.methods], expires_at=old.expires_at)
    if "password" not in methods:
        raise AuthenticationError
    given = identity["password"]["user"]
    user = model.by_password(given.get("id") or given["name"], given["password"])
    project = _scope(model, scope) if scope else model.projects[user.default_project_id]
    return model.issue(user, project, methods)


def _scope(model: IdentityModel, scope: Any) -> Project | None:
    """Return the project of the requested scope; None without a project."""
    if not isinstance(scope, dict) or "project" not in scope:
        return None
    return model.project_by(scope["project"].get("id") or scope["project"]["name"])


def _token(call: IdentityCall, token: Token) -> dict[str, Any]:
    model = call.model
    body: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "domain": DOMAIN,
            "id": token.user.id,
            "name": token.user.name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "expires_at": f"{iso_microseconds(token.expires_at)}Z",
        "issued_at": f"{iso_microseconds(token.issued_at)}Z",
    }
    if token.project:
        body["project"] = {"domain": DOMAIN, "id": token.project.id, "name": token.project.name}
        body["is_domain"] = False
        body["roles"] = [{"id": model.role_ids[name], "name": name} for name in token.roles]
        if call.request.param("nocatalog") is None:
            body["catalog"] = model.catalog(call.request.origin, token.project.id)
    return body


def _subject(call: IdentityCall) -> Token:
    token = call.model.token(call.request.headers.get("x-subject-token", ""))
    if token is None:
        raise ApiError(404, "Could not recognize Fernet token")
    return token


def show_token(call: IdentityCall) -> Response:
    """Show the properties of a token."""
    token = _subject(call)
    return Response(200, {"token": _token(call, token)}, {"X-Subject-Token": token.id})


def check_token(call: IdentityCall) -> Response:
    """Return 200 if the token is valid."""
    return Response(200, None, {"X-Subject-Token": _subject(call).id})


def revoke_token(call: IdentityCall) -> Response:
    """Revoke a token."""
    call.model.revoke(_subject(call).id)
    return Response(204)


def catalog(call: IdentityCall) -> Response:
    """Show the service catalog."""
    body = call.model.catalog(call.request.origin, call.caller.project_id)
    return Response(200, {"catalog": body, "links": {"self": f"{call.root}/v3/auth/catalog"}})


def page(call: IdentityCall, key: str, rows: list[dict[str, Any]]) -> Response:
    """Return a list in Keystone's format: always one page."""
    this = f"{call.root}{call.request.path.removeprefix('/identity')}"
    return Response(200, {key: rows, "links": {"next": None, "self": this, "previous": None}})


def project_view(call: IdentityCall, project: Project) -> dict[str, Any]:
    """Return the fields of a project."""
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": "default",
        "description": "",
        "enabled": True,
        "parent_id": "default",
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{call.root}/v3/projects/{project.id}"},
    }


def user_view(call: IdentityCall, user: User) -> dict[str, Any]:
    """Return the fields of a user."""
    return {
        "id": user.id,
        "name": user.name,
        "domain_id": "default",
        "enabled": True,
        "default_project_id": user.default_project_id,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{call.root}/v3/users/{user.id}"},
    }


def own_projects(call: IdentityCall) -> Response:
    """List the projects in which the caller has a role."""
    model = call.model
    mine = [model.projects[project] for project in model.users[call.caller.user_id].roles]
    return page(call, "projects", [project_view(call, project) for project in mine])


def own_domains(call: IdentityCall) -> Response:
    """List the domains in which the caller has a role: none."""
    return page(call, "domains", [])
