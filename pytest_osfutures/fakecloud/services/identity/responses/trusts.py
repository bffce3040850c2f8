"""Keystone's handlers for trusts: a user lets another user act with some of the user's roles."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, invalid
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models.records import Role, Target, Trust
from pytest_osfutures.fakecloud.services.identity.responses.credentials import (
    chosen_roles,
    date,
    moment,
    refuse_delegated,
)
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    forbidden,
    found,
    page,
)
from pytest_osfutures.fakecloud.services.identity.responses.roles import role_view

TRUST = {
    "trustor_user_id": "string",
    "trustee_user_id": "string",
    "impersonation": "boolean",
    "project_id": "string null",
    "remaining_uses": "integer null",
    "expires_at": "string null",
    "allow_redelegation": "boolean null",
    "redelegation_count": "integer null",
    "roles": "array",
}
MOST_REDELEGATIONS = 3


def trust_view(call: IdentityCall, trust: Trust, roles: bool = True) -> dict[str, Any]:
    """Return the fields of a trust; lists leave the roles out."""
    url = f"{call.root}/v3/OS-TRUST/trusts/{trust.id}"
    shown: dict[str, Any] = {
        "id": trust.id,
        "trustor_user_id": trust.user_id,
        "trustee_user_id": trust.trustee_user_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": date(trust.expires_at),
        "remaining_uses": trust.remaining_uses,
        "redelegation_count": trust.redelegation_count,
        "redelegated_trust_id": trust.redelegated_trust_id,
        "deleted_at": None,
        "links": {"self": url},
    }
    if roles:
        shown["roles"] = [role_view(call, each) for each in _roles_of(call, trust)]
        links = {"self": f"{url}/roles", "next": None, "previous": None}
        shown["roles_links"] = links
    return shown


def _roles_of(call: IdentityCall, trust: Trust) -> list[Role]:
    roles = call.model.roles
    return [roles[each] for each in trust.role_ids if each in roles]


def list_trusts(call: IdentityCall) -> Response:
    """List all trusts, or those of a trustor or a trustee."""
    trustor, trustee = (call.request.param(f"{who}_user_id") for who in ("trustor", "trustee"))
    if trustor:
        allow(call, "list_trusts_for_trustor", owner=trustor == call.caller.user_id)
    elif trustee:
        allow(call, "list_trusts_for_trustee", owner=trustee == call.caller.user_id)
    else:
        allow(call, "list_trusts", role="reader")
    rows = [
        trust_view(call, trust, roles=False)
        for trust in call.model.trusts
        if trustor in (None, trust.user_id)
        and (trustor is not None or trustee in (None, trust.trustee_user_id))
    ]
    return page(call, "trusts", rows)


def create_trust(call: IdentityCall) -> Response:
    """Create a trust: the caller gives roles in a project to another user."""
    content, model = (
        attributes(call, "trust", TRUST, "trustee_user_id", "trustor_user_id", "impersonation"),
        call.model,
    )
    trustor, project_id = content["trustor_user_id"], content.get("project_id")
    if trustor != call.caller.user_id:
        raise forbidden("The authenticated user should match the trustor")
    refuse_delegated(call, "trusts")
    if project_id and not content.get("roles"):
        raise forbidden("At least one role should be specified")
    found("user", model.users, content["trustee_user_id"])
    roles = chosen_roles(call, content.get("roles", []))
    if project_id:
        found("project", model.projects, project_id)
        own = model.assignments.roles(trustor, Target("project", project_id))
        for role in roles:
            if role not in own:
                raise ApiError(404, f"Could not find role: {role.id}.")
    uses = content.get("remaining_uses")
    if uses is not None and uses < 1:
        raise invalid("remaining_uses", uses, f"{uses} is less than the minimum of 1")
    trust = model.trusts.add(
        Trust(
            id=model.new_id(),
            user_id=trustor,
            project_id=project_id or "",
            trustee_user_id=content["trustee_user_id"],
            role_ids=tuple(role.id for role in roles),
            impersonation=content["impersonation"],
            expires_at=moment(
                "expires_at", content.get("expires_at"), call.runtime.schedule.time()
            ),
            remaining_uses=uses,
            **_redelegation(call, content),
        )
    )
    return Response(201, {"trust": trust_view(call, trust)})


def _redelegation(call: IdentityCall, content: dict[str, Any]) -> dict[str, Any]:
    """Return how often a trust may be passed on. Raises ApiError(403)."""
    token = call.model.token(call.caller.token)
    parent = token.trust if token else None
    most = MOST_REDELEGATIONS if parent is None else parent.redelegation_count - 1
    if parent is not None and (not parent.allow_redelegation or most < 0):
        raise forbidden("The trust cannot be redelegated")
    wanted = content.get("redelegation_count")
    if wanted is not None and not 0 <= wanted <= most:
        raise forbidden(f"Requested redelegation depth of {wanted} is greater than allowed {most}")
    allowed = bool(content.get("allow_redelegation"))
    depth = (most if wanted is None else wanted) if allowed else 0
    return {
        "allow_redelegation": allowed,
        "redelegation_count": depth,
        "redelegated_trust_id": parent.id if parent else None,
    }


def _trust(call: IdentityCall, rule: str, trust_id: str, trustee: bool = True) -> Trust:
    trust = call.model.trusts.get(trust_id)
    people = () if trust is None else (trust.user_id, *([trust.trustee_user_id] * trustee))
    if trust is not None and trust.expires_at is not None:
        expired = trust.expires_at <= call.runtime.schedule.time()
        trust = None if expired else trust
    if trust is None:
        raise ApiError(404, f"Could not find trust: {trust_id}.")
    allow(call, rule, owner=call.caller.user_id in people)
    return trust


def show_trust(call: IdentityCall, trust_id: str) -> Response:
    """Show one trust."""
    return Response(200, {"trust": trust_view(call, _trust(call, "get_trust", trust_id))})


def delete_trust(call: IdentityCall, trust_id: str) -> Response:
    """Delete a trust; its tokens become invalid."""
    trust = _trust(call, "delete_trust", trust_id, trustee=False)
    call.model.trusts.remove(trust)
    call.model.changed()
    return Response(204)


def list_trust_roles(call: IdentityCall, trust_id: str) -> Response:
    """List the roles that a trust gives."""
    trust = _trust(call, "list_roles_for_trust", trust_id)
    return page(call, "roles", [role_view(call, each) for each in _roles_of(call, trust)])


def show_trust_role(call: IdentityCall, trust_id: str, role_id: str) -> Response:
    """Show one role of a trust; HEAD checks that the trust gives the role."""
    trust = _trust(call, "get_role_for_trust", trust_id)
    role = next((each for each in _roles_of(call, trust) if each.id == role_id), None)
    if role is None:
        raise ApiError(404, f"Could not find role: {role_id}.")
    if call.request.method == "HEAD":
        return Response(200)
    return Response(200, {"role": role_view(call, role)})
