"""Keystone's handlers for roles, the roles that they imply, and role assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import records, removal
from pytest_osfutures.fakecloud.services.identity.models.records import Assignment, Target
from pytest_osfutures.fakecloud.services.identity.models.state import conflict
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    flag,
    forbidden,
    found,
    page,
)

ROLE = {
    "name": "string",
    "domain_id": "string null",
    "description": "string null",
    "options": "object",
}


def role_view(call: IdentityCall, role: records.Role) -> dict[str, Any]:
    """Return the fields of a role."""
    return {
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": role.options,
        "links": {"self": f"{call.root}/v3/roles/{role.id}"},
    }


def list_roles(call: IdentityCall) -> Response:
    """List the roles of all domains, or of one domain."""
    domain = call.request.param("domain_id")
    allow(call, "list_roles", role="manager" if call.caller.domain_id else "")
    rows = [role_view(call, role) for role in call.model.roles.values() if role.domain_id == domain]
    return page(call, "roles", rows)


def show_role(call: IdentityCall, role_id: str) -> Response:
    """Show one role."""
    allow(call, "get_role")
    return Response(200, {"role": role_view(call, found("role", call.model.roles, role_id))})


def create_role(call: IdentityCall) -> Response:
    """Create a role."""
    content, model = attributes(call, "role", ROLE, "name"), call.model
    allow(call, "create_role")
    domain_id = content.get("domain_id")
    if domain_id is not None:
        found("domain", model.domains, domain_id)
    _check_role_name(call, content["name"], domain_id)
    role = records.Role(
        id=model.new_id(),
        name=content["name"],
        domain_id=domain_id,
        description=content.get("description"),
        options=content.get("options", {}),
    )
    model.roles[role.id] = role
    return Response(201, {"role": role_view(call, role)})


def _check_role_name(call: IdentityCall, name: str, domain_id: str | None, own: str = "") -> None:
    for role in call.model.roles.values():
        if (role.name, role.domain_id) == (name, domain_id) and role.id != own:
            raise conflict("role", f"Duplicate entry found with name {name}")


def change_role(call: IdentityCall, role_id: str) -> Response:
    """Change a role."""
    allow(call, "update_role")
    role, content = found("role", call.model.roles, role_id), attributes(call, "role", ROLE)
    removal.check_mutable("update", "role", role, content)
    if "name" in content:
        _check_role_name(call, content["name"], role.domain_id, own=role.id)
    for name in ("name", "description"):
        if name in content:
            setattr(role, name, content[name])
    role.options = role.options | content.get("options", {})
    call.model.changed()
    return Response(200, {"role": role_view(call, role)})


def delete_role(call: IdentityCall, role_id: str) -> Response:
    """Delete a role with its assignments."""
    allow(call, "delete_role")
    role = found("role", call.model.roles, role_id)
    removal.check_mutable("delete", "role", role)
    removal.delete_role(call.model, role)
    return Response(204)


def _short(call: IdentityCall, role_id: str) -> dict[str, Any]:
    role = call.model.roles[role_id]
    links = {"self": f"{call.root}/v3/roles/{role.id}"}
    return {"id": role.id, "name": role.name, "links": links}


def list_inferences(call: IdentityCall) -> Response:
    """List the roles that imply other roles."""
    allow(call, "list_role_inference_rules")
    rows = [
        {
            "prior_role": _short(call, role.id),
            "implies": [_short(call, each) for each in role.implies],
        }
        for role in call.model.roles.values()
        if role.implies
    ]
    return page(call, "role_inferences", rows)


def list_implied(call: IdentityCall, role_id: str) -> Response:
    """List the roles that a role implies directly."""
    allow(call, "list_implied_roles")
    role = found("role", call.model.roles, role_id)
    body = {
        "prior_role": _short(call, role.id),
        "implies": [_short(call, each) for each in role.implies],
    }
    links = {"self": f"{call.root}/v3/roles/{role.id}/implies"}
    return Response(200, {"role_inference": body, "links": links})


def imply(call: IdentityCall, role_id: str, implied_id: str) -> Response:
    """Let a role imply another role."""
    allow(call, "create_implied_role")
    model = call.model
    role, implied = found("role", model.roles, role_id), found("role", model.roles, implied_id)
    if implied.name == "admin" or role.id in model.assignments.with_implied(implied.id):
        raise ApiError(403, f"{implied.id} cannot be an implied roles.")
    if implied.id not in role.implies:
        role.implies.append(implied.id)
        model.changed()
    return _inference(call, role.id, implied.id, 201)


def _inference(call: IdentityCall, role_id: str, implied_id: str, status: int) -> Response:
    body = {"prior_role": _short(call, role_id), "implies": _short(call, implied_id)}
    links = {"self": f"{call.root}/v3/roles/{role_id}/implies/{implied_id}"}
    return Response(status, {"role_inference": body, "links": links})


def show_implied(call: IdentityCall, role_id: str, implied_id: str) -> Response:
    """Show that a role implies another role."""
    allow(call, "get_implied_role")
    _check_implies(call, role_id, implied_id)
    return _inference(call, role_id, implied_id, 200)


def check_implied(call: IdentityCall, role_id: str, implied_id: str) -> Response:
    """Return 204 if a role implies another role."""
    allow(call, "check_implied_role")
    _check_implies(call, role_id, implied_id)
    return Response(204)


def end_implied(call: IdentityCall, role_id: str, implied_id: str) -> Response:
    """End that a role implies another role."""
    allow(call, "delete_implied_role")
    _check_implies(call, role_id, implied_id)
    call.model.roles[role_id].implies.remove(implied_id)
    call.model.changed()
    return Response(204)


def _check_implies(call: IdentityCall, role_id: str, implied_id: str) -> None:
    role = found("role", call.model.roles, role_id)
    found("role", call.model.roles, implied_id)
    if implied_id not in role.implies:
        raise ApiError(404, f"{role_id} does not imply {implied_id}.")


Handler = Callable[..., Response]


class Grants:
    """The handlers for the roles of users or groups on one type of target.

    Args:
        actor: "user" or "group".
        kind: "project", "domain" or "system".
        inherited: the roles are those on all projects below the target (OS-INHERIT).
    """

    def __init__(self, actor: str, kind: str, inherited: bool = False) -> None:
        self._actor = actor
        self._kind = kind
        self._inherited = inherited

    def _target(self, call: IdentityCall, names: dict[str, str]) -> Target:
        if self._kind == "system":
            return records.SYSTEM
        ident = names[f"{self._kind}_id"]
        found(self._kind, getattr(call.model, f"{self._kind}s"), ident)
        return Target(self._kind, ident)

    def _allow(self, call: IdentityCall, verb: str, names: dict[str, str]) -> None:
        part = f"system_grant_for_{self._actor}" if self._kind == "system" else "grant"
        plural = "s" if verb == "list" else ""
        domain = names.get("domain_id")
        if project := call.model.projects.get(names.get("project_id", "")):
            domain = project.domain_id
        rule = f"{verb}_{part.replace('grant', f'grant{plural}', 1)}"
        allow(call, rule, domain=domain)
        if not call.caller.is_admin and call.request.method in ("PUT", "DELETE"):
            role = call.model.roles.get(names["role_id"])
            if role is not None and role.name not in ("manager", "member", "reader"):
                raise forbidden(f"identity:{rule}")

    def _assignment(self, call: IdentityCall, names: dict[str, str]) -> Assignment:
        role = found("role", call.model.roles, names["role_id"])
        target = self._target(call, names)
        actor_id = names[f"{self._actor}_id"]
        found(self._actor, getattr(call.model, f"{self._actor}s"), actor_id)
        return Assignment(self._actor, actor_id, target, role.id, self._inherited)

    def _existing(self, call: IdentityCall, verb: str, names: dict[str, str]) -> Assignment:
        self._allow(call, verb, names)
        assignment = self._assignment(call, names)
        if assignment not in call.model.assignments:
            target = f"{self._kind}: {assignment.target.id}"
            raise ApiError(
                404,
                f"Could not find role assignment with role: {assignment.role_id}, user or group: "
                f"{assignment.actor_id}, project, domain, or system: {target.partition(': ')[2]}.",
            )
        return assignment

    def list(self, call: IdentityCall, **names: str) -> Response:
        """List the roles of a user or a group on the target."""
        self._allow(call, "list", names)
        target, actor_id = self._target(call, names), names[f"{self._actor}_id"]
        found(self._actor, getattr(call.model, f"{self._actor}s"), actor_id)
        rows = [
            role_view(call, call.model.roles[each.role_id])
            for each in call.model.assignments
            if (each.actor_id, each.target, each.inherited) == (actor_id, target, self._inherited)
        ]
        return page(call, "roles", rows)

    def grant(self, call: IdentityCall, **names: str) -> Response:
        """Give a role to a user or a group."""
        self._allow(call, "create", names)
        call.model.assignments.add(self._assignment(call, names))
        call.model.changed()
        return Response(204)

    def check(self, call: IdentityCall, **names: str) -> Response:
        """Return 204 if the user or the group has the role."""
        self._existing(call, "check", names)
        return Response(204)

    def revoke(self, call: IdentityCall, **names: str) -> Response:
        """Take a role from a user or a group, with the user's delegations for the project."""
        assignment, model = self._existing(call, "revoke", names), call.model
        model.assignments.discard(assignment)
        model.changed()
        target = assignment.target
        if self._actor == "user" and target.kind == "project":
            model.forget_delegations(assignment.actor_id, target.id)
        return Response(204)


def list_assignments(call: IdentityCall) -> Response:
    """List role assignments; `effective` those of users alone, with implied roles."""
    request, model = call.request, call.model
    domain = request.param("scope.domain.id")
    if project := model.projects.get(request.param("scope.project.id") or ""):
        domain = project.domain_id
    allow(call, "list_role_assignments", domain=domain)
    _check_filters(call)
    given = model.assignments
    chosen = given.effective() if flag(call, "effective") else list(given)
    rows = [_assignment_view(call, each) for each in chosen if _is_wanted(call, each)]
    return page(call, "role_assignments", rows)


def _check_filters(call: IdentityCall) -> None:
    param = call.request.param
    scopes = {name: param(f"scope.{name}") for name in ("domain.id", "project.id", "system")}
    for one, two, words in (
        ("domain.id", "project.id", "Specify a domain or project, not both"),
        ("domain.id", "system", "Specify system or domain, not both"),
        ("project.id", "system", "Specify system or project, not both"),
    ):
        if scopes[one] and scopes[two]:
            raise ApiError(400, words)
    if param("user.id") and param("group.id"):
        raise ApiError(400, "Specify a user or group, not both")


def _is_wanted(call: IdentityCall, each: Assignment) -> bool:
    param = call.request.param
    wanted = {
        "user.id": each.actor_id if each.actor == "user" else "",
        "group.id": each.actor_id if each.actor == "group" else "",
        "role.id": each.role_id,
        "scope.domain.id": each.target.id if each.target.kind == "domain" else "",
        "scope.project.id": each.target.id if each.target.kind == "project" else "",
    }
    if any(param(name) not in (None, value) for name, value in wanted.items()):
        return False
    if param("scope.system") is not None and each.target.kind != "system":
        return False
    return param("scope.OS-INHERIT:inherited_to") is None or each.inherited


def _assignment_view(call: IdentityCall, each: Assignment) -> dict[str, Any]:
    model, named = call.model, flag(call, "include_names")

    def reference(kind: str, ident: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": ident}
        record = getattr(model, f"{kind}s").get(ident)
        if named and record is not None:
            shown["name"] = record.name
            if kind not in ("domain", "role"):
                domain = model.domains[record.domain_id]
                shown["domain"] = {"id": domain.id, "name": domain.name}
        return shown

    kind, ident = each.target.kind, each.target.id
    scope: dict[str, Any] = (
        {"system": {"all": True}} if kind == "system" else {kind: reference(kind, ident)}
    )
    on = "system" if kind == "system" else f"{kind}s/{ident}"
    path = f"{on}/{each.actor}s/{each.actor_id}/roles/{each.role_id}"
    if each.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
        path = f"OS-INHERIT/{path}/inherited_to_projects"
    return {
        "links": {"assignment": f"{call.root}/v3/{path}"},
        "scope": scope,
        each.actor: reference(each.actor, each.actor_id),
        "role": reference("role", each.role_id),
    }
