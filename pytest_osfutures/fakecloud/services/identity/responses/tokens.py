"""Keystone's handlers for tokens, version documents and the scopes of a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, invalid, iso_microseconds
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import records
from pytest_osfutures.fakecloud.services.identity.models.records import (
    AuthenticationError,
    Target,
    Token,
)
from pytest_osfutures.fakecloud.services.identity.models.state import IdentityModel
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    METHODS,
    UnsupportedMethodError,
    allow,
    forbidden,
    page,
)
from pytest_osfutures.fakecloud.services.identity.responses.projects import domain_view
from pytest_osfutures.fakecloud.services.identity.responses.users import projects_of


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
        headers=_challenge(call),
    )


def _challenge(call: IdentityCall) -> dict[str, str]:
    return {"WWW-Authenticate": f'Keystone uri="{call.root}/v3"'}


def _missing(name: str, target: str) -> ApiError:
    return ApiError(
        400,
        f"Expecting to find {name} in {target}. The server could not comply with the request "
        "since it is either malformed or otherwise incorrect. The client is assumed to be in "
        "error.",
    )


def _part(content: Any, name: str, target: str) -> dict[str, Any]:
    """Return the object under `name`. Raises ApiError(400)."""
    if not isinstance(content, Mapping) or name not in content:
        raise _missing(name, target)
    return _object(content[name], name)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(name, value, f"{value!r} is not of type 'object'")
    return value


def _text(content: Mapping[str, Any], name: str, target: str) -> str:
    """Return the text under `name`. Raises ApiError(400)."""
    if name not in content:
        raise _missing(name, target)
    value = content[name]
    if not isinstance(value, str):
        raise invalid(name, value, f"{value!r} is not of type 'string'")
    return value


def create_token(call: IdentityCall) -> Response:
    """Issue a token for a password, a token, an application credential or a trust."""
    body = call.json()
    auth = _part(body, "auth", "request body")
    if "identity" not in auth:
        raise ApiError(400, "'identity' is a required property")
    identity = _object(auth["identity"], "identity")
    methods = identity.get("methods")
    if not isinstance(methods, list) or not all(isinstance(each, str) for each in methods):
        raise invalid("identity/methods", methods, f"{methods!r} is not of type 'array'")
    for method in methods:
        if method not in METHODS:
            why = "Attempted to authenticate with an unsupported method."
            raise UnsupportedMethodError(401, why, headers=_challenge(call))
        if method not in identity:
            raise _missing(method, "identity")
    try:
        token = _issue(call.model, methods, identity, auth.get("scope"))
    except AuthenticationError:
        raise _wrong(call) from None
    return Response(201, {"token": _token(call, token)}, {"X-Subject-Token": token.id})


def _issue(model: IdentityModel, methods: list[str], identity: dict[str, Any], scope: Any) -> Token:
    if not methods:
        raise AuthenticationError
    if "application_credential" in methods:
        return _by_credential(model, methods, identity["application_credential"], scope)
    parent = _parent(model, identity["token"]) if "token" in methods else None
    if "password" in methods:
        user = _by_password(model, identity["password"])
    elif parent is not None:
        user = parent.user
    if parent is not None:
        methods = [*methods, *(each for each in parent.methods if each not in methods)]
    if _is_trust(scope):
        return _by_trust(model, user, methods, scope["OS-TRUST:trust"])
    if scope is not None:
        return model.issue(user, _scope(model, scope), methods, parent=parent)
    if parent is not None:
        return model.issue(user, parent.target, methods, parent=parent)
    return _with_default_project(model, user, methods)


def _parent(model: IdentityModel, given: Any) -> Token:
    """Return the token with which a request authenticates. Raises AuthenticationError."""
    parent = model.token(_text(_object(given, "token"), "id", "token"))
    if parent is None:
        raise AuthenticationError
    if parent.credential is not None or parent.trust is not None:
        raise forbidden("Using a delegated token to create another token")
    return parent


def _by_password(model: IdentityModel, given: Any) -> records.User:
    """Return the user of a request with a password. Raises AuthenticationError."""
    wanted = _part(_object(given, "password"), "user", "password")
    user = _user(model, wanted)
    if user.password is None or user.password != _text(wanted, "password", "user"):
        raise AuthenticationError
    return user


def _is_trust(scope: Any) -> bool:
    return isinstance(scope, dict) and "OS-TRUST:trust" in scope


def _user(model: IdentityModel, given: dict[str, Any]) -> records.User:
    """Return the user with an id, or a name and a domain. Raises AuthenticationError."""
    if "id" in given:
        found = model.users.get(_text(given, "id", "user"))
        if found is None:
            raise AuthenticationError
        return found
    name = _text(given, "name", "user")
    return model.user_named(name, _domain_id(model, given, "user"))


def _domain_id(model: IdentityModel, given: dict[str, Any], target: str) -> str:
    domain = _part(given, "domain", target)
    if "id" in domain:
        return _text(domain, "id", "domain")
    return model.domain_named(_text(domain, "name", "domain")).id


def _with_default_project(model: IdentityModel, user: records.User, methods: list[str]) -> Token:
    """Issue a token for the user's default project; without one the token has no scope."""
    if user.default_project_id:
        try:
            return model.issue(user, Target("project", user.default_project_id), methods)
        except AuthenticationError:
            pass  # Keystone ignores a default project in which the user has no role
    return model.issue(user, None, methods)


def _by_credential(model: IdentityModel, methods: list[str], given: Any, scope: Any) -> Token:
    given = _object(given, "application_credential")
    owner: str | None = None
    if "id" in given:
        credential = _text(given, "id", "application_credential")
    else:
        credential = _text(given, "name", "application_credential")
        owner = _user(model, _part(given, "user", "application_credential")).id
    secret = _text(given, "secret", "application_credential")
    found = model.by_application_credential(credential, secret, owner)
    if scope is not None:
        why = "Application credentials cannot request a scope."
        raise ApiError(401, why)
    target = Target("project", found.project_id)
    return model.issue(model.users[found.user_id], target, methods, credential=found)


def _by_trust(model: IdentityModel, user: records.User, methods: list[str], given: Any) -> Token:
    """Issue a token with which the trustee acts for the trustor."""
    trust_id = _text(_object(given, "OS-TRUST:trust"), "id", "OS-TRUST:trust")
    trust = model.trusts.get(trust_id)
    now = model.runtime.schedule.time()
    if trust is None or (trust.expires_at is not None and trust.expires_at <= now):
        raise AuthenticationError
    if user.id != trust.trustee_user_id:
        raise forbidden("User is not a trustee.")
    if trust.remaining_uses is not None and trust.remaining_uses < 1:
        raise forbidden(f"No remaining uses for trust: {trust.id}")
    target = Target("project", trust.project_id) if trust.project_id else None
    acting = model.users[trust.user_id] if trust.impersonation else user
    try:
        token = model.issue(acting, target, methods, trust=trust)
    except AuthenticationError:
        raise forbidden("Trustee has no delegated roles.") from None
    if trust.remaining_uses is not None:
        trust.remaining_uses -= 1
    return token


def _scope(model: IdentityModel, scope: Any) -> Target | None:
    """Return the requested scope; None for a token without one.

    Raises ApiError(400), AuthenticationError.
    """
    if scope == "unscoped":
        return None
    kinds = [kind for kind in ("project", "domain", "system") if kind in _object(scope, "scope")]
    if "unscoped" in scope and not kinds:
        return None
    if len(kinds) != 1:
        raise _missing("project or domain or system", "scope")
    if kinds == ["system"]:
        if _object(scope["system"], "system").get("all") is not True:
            raise invalid("scope/system", scope["system"], "'all' must be true")
        return records.SYSTEM
    given = _object(scope[kinds[0]], kinds[0])
    if kinds == ["domain"]:
        ident = given.get("id") or model.domain_named(_text(given, "name", "domain")).id
        return Target("domain", str(ident))
    if "id" in given:
        return Target("project", _text(given, "id", "project"))
    name = _text(given, "name", "project")
    domain_id = _domain_id(model, given, "project")
    return Target("project", model.project_by(name, domain_id).id)


def _named(entry: records.Entry) -> dict[str, str]:
    return {"id": entry.id, "name": entry.name}


def _token(call: IdentityCall, token: Token) -> dict[str, Any]:
    model, target, user = call.model, token.target, token.user
    body: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "domain": _named(model.domains[user.domain_id]),
            "id": user.id,
            "name": user.name,
            "password_expires_at": None,
        },
        "audit_ids": token.audit_ids,
        "expires_at": f"{iso_microseconds(token.expires_at)}Z",
        "issued_at": f"{iso_microseconds(token.issued_at)}Z",
    }
    body |= _delegation_view(token)
    if target is None:
        return body
    project_id = ""
    if target.kind == "system":
        body["system"] = {"all": True}
    elif target.kind == "domain":
        body["domain"] = _named(model.domains[target.id])
    else:
        project = model.projects[target.id]
        project_id = project.id
        body["project"] = {"domain": _named(model.domains[project.domain_id]), **_named(project)}
        body["is_domain"] = False
    body["roles"] = [_named(role) for role in token.roles]
    if call.request.param("nocatalog") is None:
        body["catalog"] = model.catalog(call.request.origin, project_id)
    return body


def _delegation_view(token: Token) -> dict[str, Any]:
    credential, trust = token.credential, token.trust
    if credential is not None:
        shown: dict[str, Any] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": not credential.unrestricted,
        }
        if credential.access_rules is not None:
            shown["access_rules"] = [
                {"id": r.id, "service": r.service, "method": r.method, "path": r.path}
                for r in credential.access_rules
            ]
        return {"application_credential": shown}
    if trust is None:
        return {}
    return {
        "OS-TRUST:trust": {
            "id": trust.id,
            "impersonation": trust.impersonation,
            "trustor_user": {"id": trust.user_id},
            "trustee_user": {"id": trust.trustee_user_id},
        }
    }


def _subject(call: IdentityCall, rule: str) -> Token:
    ident = call.request.headers.get("x-subject-token", "")
    allow(call, rule, owner=True)
    token = call.model.token(ident)
    if token is None:
        raise ApiError(404, "Could not recognize Fernet token")
    return token


def show_token(call: IdentityCall) -> Response:
    """Show the properties of a token."""
    token = _subject(call, "validate_token")
    return Response(200, {"token": _token(call, token)}, {"X-Subject-Token": token.id})


def check_token(call: IdentityCall) -> Response:
    """Return 200 if the token is valid."""
    return Response(200, None, {"X-Subject-Token": _subject(call, "check_token").id})


def revoke_token(call: IdentityCall) -> Response:
    """Revoke a token."""
    call.model.revoke(_subject(call, "revoke_token").id)
    return Response(204)


def catalog(call: IdentityCall) -> Response:
    """Show the service catalog."""
    caller = call.caller
    if not (caller.project_id or caller.domain_id or caller.is_system):
        raise forbidden("identity:get_auth_catalog")
    body = call.model.catalog(call.request.origin, caller.project_id)
    return Response(200, {"catalog": body, "links": {"self": f"{call.root}/v3/auth/catalog"}})


def own_projects(call: IdentityCall) -> Response:
    """List the projects in which the caller has a role."""
    return page(call, "projects", projects_of(call, call.caller.user_id))


def own_domains(call: IdentityCall) -> Response:
    """List the domains in which the caller has a role."""
    model = call.model
    ids = [target.id for target in model.assignments.targets(call.caller.user_id, "domain")]
    return page(call, "domains", [domain_view(call, model.domains[each]) for each in ids])


def own_system(call: IdentityCall) -> Response:
    """Show whether the caller has a role on the system."""
    has_role = call.model.assignments.roles(call.caller.user_id, records.SYSTEM)
    links = {"self": f"{call.root}/v3/auth/system"}
    return Response(200, {"system": [{"all": True}] if has_role else [], "links": links})
