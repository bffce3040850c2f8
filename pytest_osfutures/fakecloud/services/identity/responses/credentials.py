"""Keystone's handlers for application credentials and their access rules."""

from __future__ import annotations

import re
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    invalid,
    iso_microseconds,
    parse_date,
    required,
    typed,
)
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models.records import (
    AccessRule,
    ApplicationCredential,
    Role,
    Target,
)
from pytest_osfutures.fakecloud.services.identity.models.state import conflict
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    forbidden,
    page,
)
from pytest_osfutures.fakecloud.services.identity.responses.roles import role_view

CREDENTIAL = {
    "name": "string",
    "secret": "string null",
    "description": "string null",
    "unrestricted": "boolean null",
    "expires_at": "string null",
    "roles": "array",
    "access_rules": "array",
    "project_id": "string",
}
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def refuse_delegated(call: IdentityCall, rule: str) -> None:
    """Raise ApiError(403) if the token is that of a restricted credential or of a trust."""
    token = call.model.token(call.caller.token)
    credential = token.credential if token else None
    if credential is not None and not credential.unrestricted:
        raise forbidden(f"Using method 'application_credential' is not allowed for managing {rule}")
    if token is not None and token.trust is not None and rule != "trusts":
        raise forbidden(f"Using method 'trust' is not allowed for managing {rule}")


def moment(name: str, text: str | None, now: float) -> float | None:
    """Return the time of an attribute. Raises ApiError(400)."""
    if text is None:
        return None
    try:
        when = parse_date(text)
    except ValueError:
        why = f"{text!r} is not a 'date-time'"
        raise invalid(name, text, why) from None
    if when <= now:
        raise ApiError(
            400,
            "The 'expires_at' must not be before now. The server could not comply with the "
            "request since it is either malformed or otherwise incorrect. The client is assumed "
            "to be in error.",
        )
    return when


def date(when: float | None) -> str | None:
    return None if when is None else f"{iso_microseconds(when)}Z"


def chosen_roles(call: IdentityCall, given: Any) -> list[Role]:
    """Return the roles that a list of ids and names means. Raises ApiError: 400, 404."""
    typed("roles", given, "array")
    chosen = []
    for index, each in enumerate(given):
        typed(str(index), each, "object")
        ident, name = each.get("id"), each.get("name")
        typed("id", ident, "string null")
        typed("name", name, "string null")
        named = [role for role in call.model.roles.values() if name in (role.name,)]
        role = call.model.roles.get(ident) if ident else next(iter(named), None)
        if role is None:
            raise ApiError(404, f"Could not find role: {ident or name}.")
        chosen.append(role)
    return chosen


def credential_view(call: IdentityCall, credential: ApplicationCredential) -> dict[str, Any]:
    """Return the fields of an application credential, without its secret."""
    roles = call.model.roles
    url = f"{call.root}/v3/users/{credential.user_id}/application_credentials/{credential.id}"
    shown = {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": None,
        "roles": [
            {key: value for key, value in role_view(call, roles[each]).items() if key != "links"}
            for each in credential.role_ids
            if each in roles
        ],
        "expires_at": iso_microseconds(credential.expires_at, whole=False),
        "unrestricted": credential.unrestricted,
        "links": {"self": url},
    }
    if credential.access_rules is not None:
        shown["access_rules"] = [_rule(rule) for rule in credential.access_rules]
    return shown


def _rule(rule: AccessRule) -> dict[str, Any]:
    return {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}


def list_application_credentials(call: IdentityCall, user_id: str) -> Response:
    """List a user's application credentials."""
    allow(call, "list_application_credentials", owner=user_id == call.caller.user_id)
    rows = [
        credential_view(call, credential)
        for credential in call.model.application_credentials.listed()
        if credential.user_id == user_id
    ]
    return page(call, "application_credentials", rows)


def create_application_credential(call: IdentityCall, user_id: str) -> Response:
    """Create an application credential; only this response has its secret."""
    if user_id != call.caller.user_id:  # administrators cannot do this for another user either
        raise forbidden("identity:create_application_credential")
    content, model = attributes(call, "application_credential", CREDENTIAL, "name"), call.model
    refuse_delegated(call, "application credentials")
    if not call.caller.project_id:
        raise ApiError(400, "Invalid application credential: a token with a project is needed")
    if any(
        (c.user_id, c.name) == (user_id, content["name"]) for c in model.application_credentials
    ):
        why = f"Duplicate entry found with name {content['name']}"
        raise conflict("application_credential", why)
    own = model.assignments.roles(user_id, Target("project", call.caller.project_id))
    roles = chosen_roles(call, content["roles"]) if content.get("roles") else list(own)
    for role in roles:
        if role not in own:
            raise ApiError(
                400,
                "Invalid application credential: Could not find role assignment with role: "
                f"{role.id}, user or group: {user_id}, project, domain, or system: "
                f"{call.caller.project_id}.",
            )
    credential = model.application_credentials.add(
        ApplicationCredential(
            id=model.new_id(),
            name=content["name"],
            project_id=call.caller.project_id,
            user_id=user_id,
            secret=content.get("secret") or call.runtime.new_id(),
            role_ids=tuple(role.id for role in roles),
            description=content.get("description"),
            unrestricted=bool(content.get("unrestricted")),
            expires_at=moment(
                "expires_at", content.get("expires_at"), call.runtime.schedule.time()
            ),
            access_rules=_access_rules(call, user_id, content.get("access_rules")),
        )
    )
    view = credential_view(call, credential) | {"secret": credential.secret}
    return Response(201, {"application_credential": view})


def _access_rules(
    call: IdentityCall, user_id: str, given: list[Any] | None
) -> tuple[AccessRule, ...] | None:
    """Return the access rules of a request; equal rules of a user are one rule."""
    if given is None:
        return None
    known, chosen = call.model.access_rules, []
    for index, each in enumerate(given):
        typed(str(index), each, "object")
        if "id" in each:
            typed("id", each["id"], "string")
            rule = known.get(each["id"])
            if rule is None or rule.user_id != user_id:
                raise ApiError(404, f"Could not find Access Rule: {each['id']}.")
            chosen.append(rule)
            continue
        required(str(index), each, "service", "method", "path")
        for name in ("service", "method", "path"):
            typed(name, each[name], "string")
        if each["method"] not in METHODS:
            why = f"{each['method']!r} is not one of {list(METHODS)}"
            raise invalid("method", each["method"], why)
        if not re.match(r"^/\.*", each["path"]):
            raise invalid("path", each["path"], f"{each['path']!r} does not match '^/\\\\.*'")
        content = (user_id, each["service"], each["method"], each["path"])
        same = (r for r in known.values() if (r.user_id, r.service, r.method, r.path) == content)
        rule = next(same, None) or AccessRule(call.model.new_id(), *content)
        known[rule.id] = rule
        chosen.append(rule)
    return tuple(chosen)


def _credential(call: IdentityCall, user_id: str, credential_id: str) -> ApplicationCredential:
    credential = call.model.application_credentials.get(credential_id)
    if credential is None or credential.user_id != user_id:
        raise ApiError(404, f"Could not find Application Credential: {credential_id}.")
    return credential


def show_application_credential(call: IdentityCall, user_id: str, credential_id: str) -> Response:
    """Show one application credential."""
    allow(call, "get_application_credential", owner=user_id == call.caller.user_id)
    view = credential_view(call, _credential(call, user_id, credential_id))
    return Response(200, {"application_credential": view})


def delete_application_credential(call: IdentityCall, user_id: str, credential_id: str) -> Response:
    """Delete an application credential; its tokens become invalid."""
    allow(call, "delete_application_credential", owner=user_id == call.caller.user_id)
    refuse_delegated(call, "application credentials")
    model = call.model
    model.application_credentials.remove(_credential(call, user_id, credential_id))
    model.changed()
    return Response(204)


def _access_rule_view(call: IdentityCall, rule: AccessRule) -> dict[str, Any]:
    links = {"self": f"{call.root}/v3/users/{rule.user_id}/access_rules/{rule.id}"}
    return _rule(rule) | {"links": links}


def list_access_rules(call: IdentityCall, user_id: str) -> Response:
    """List the access rules of a user's application credentials."""
    allow(call, "list_access_rules", owner=user_id == call.caller.user_id)
    rules = [rule for rule in call.model.access_rules.values() if rule.user_id == user_id]
    rows = [_access_rule_view(call, rule) for rule in rules]
    return page(call, "access_rules", rows, "service", "method", "path")


def _access_rule(call: IdentityCall, user_id: str, rule_id: str) -> AccessRule:
    rule = call.model.access_rules.get(rule_id)
    if rule is None or rule.user_id != user_id:
        raise ApiError(404, f"Could not find Access Rule: {rule_id}.")
    return rule


def show_access_rule(call: IdentityCall, user_id: str, rule_id: str) -> Response:
    """Show one access rule."""
    allow(call, "get_access_rule", owner=user_id == call.caller.user_id)
    rule = _access_rule(call, user_id, rule_id)
    return Response(200, {"access_rule": _access_rule_view(call, rule)})


def delete_access_rule(call: IdentityCall, user_id: str, rule_id: str) -> Response:
    """Delete an access rule that no application credential uses."""
    allow(call, "delete_access_rule", owner=user_id == call.caller.user_id)
    rule = _access_rule(call, user_id, rule_id)
    if any(rule in (each.access_rules or ()) for each in call.model.application_credentials):
        raise forbidden(f"access rule {rule.id} is in use by one or more application credentials")
    del call.model.access_rules[rule.id]
    return Response(204)
