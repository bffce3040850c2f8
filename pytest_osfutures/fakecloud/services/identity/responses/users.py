"""Keystone's handlers for users and groups."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import records, removal
from pytest_osfutures.fakecloud.services.identity.models.state import conflict
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    extra,
    found,
    page,
)
from pytest_osfutures.fakecloud.services.identity.responses.projects import project_view

USER = {
    "name": "string",
    "domain_id": "string",
    "password": "string null",
    "default_project_id": "string null",
    "description": "string null",
    "enabled": "boolean",
    "options": "object",
}
GROUP = {"name": "string", "domain_id": "string", "description": "string null"}


def user_view(call: IdentityCall, user: records.User) -> dict[str, Any]:
    """Return the fields of a user."""
    shown = user.extra | {
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": None,
        "options": user.options,
        "links": {"self": f"{call.root}/v3/users/{user.id}"},
    }
    for name in ("default_project_id", "description"):
        if value := getattr(user, name):
            shown[name] = value
    return shown


def group_view(call: IdentityCall, group: records.Group) -> dict[str, Any]:
    """Return the fields of a group."""
    return group.extra | {
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description or "",
        "links": {"self": f"{call.root}/v3/groups/{group.id}"},
    }


def list_users(call: IdentityCall) -> Response:
    """List the users, or those of one domain."""
    domain = call.request.param("domain_id") or call.caller.domain_id or None
    allow(call, "list_users", domain=domain)
    users = [
        user
        for user in call.model.users.values()
        if call.caller.is_admin or not call.caller.domain_id or user.domain_id == domain
    ]
    return page(call, "users", [user_view(call, each) for each in users], "domain_id", "enabled")


def _user(call: IdentityCall, rule: str, user_id: str, owner: bool = False) -> records.User:
    user = call.model.users.get(user_id)
    allow(
        call,
        rule,
        owner=owner and user_id == call.caller.user_id,
        domain=user.domain_id if user else None,
    )
    return found("user", call.model.users, user_id)


def show_user(call: IdentityCall, user_id: str) -> Response:
    """Show one user."""
    user = _user(call, "get_user", user_id, owner=True)
    return Response(200, {"user": user_view(call, user)})


def create_user(call: IdentityCall) -> Response:
    """Create a user."""
    content, model = attributes(call, "user", USER, "name"), call.model
    domain_id = content.get("domain_id") or call.caller.domain_id or records.DEFAULT_DOMAIN
    allow(call, "create_user", domain=domain_id)
    found("domain", model.domains, domain_id)
    _check_user_name(call, content["name"], domain_id)
    user = records.User(
        id=model.new_id(),
        name=content["name"],
        domain_id=domain_id,
        password=content.get("password"),
        default_project_id=content.get("default_project_id"),
        description=content.get("description"),
        enabled=content.get("enabled", True),
        options=content.get("options", {}),
        extra=extra(content, USER),
    )
    model.users[user.id] = user
    return Response(201, {"user": user_view(call, user)})


def _check_user_name(call: IdentityCall, name: str, domain_id: str, own: str = "") -> None:
    for user in call.model.users.values():
        if (user.name, user.domain_id) == (name, domain_id) and user.id != own:
            why = f"Duplicate entry found with name {name} at domain ID {domain_id}"
            raise conflict("user", why)


def change_user(call: IdentityCall, user_id: str) -> Response:
    """Change a user; a disabled user or a new password makes the user's tokens invalid."""
    user = _user(call, "update_user", user_id)
    content = attributes(call, "user", USER)
    if content.get("domain_id") not in (None, user.domain_id):
        raise ApiError(400, "Cannot change Domain ID.")
    if "name" in content:
        _check_user_name(call, content["name"], user.domain_id, own=user.id)
    for name in ("name", "description", "enabled", "default_project_id", "password"):
        if name in content:
            setattr(user, name, content[name])
    user.options = user.options | content.get("options", {})
    user.extra = user.extra | extra(content, USER)
    if "password" in content or content.get("enabled") is False:
        call.model.revoke_all(user)
    return Response(200, {"user": user_view(call, user)})


def delete_user(call: IdentityCall, user_id: str) -> Response:
    """Delete a user."""
    removal.delete_user(call.model, _user(call, "delete_user", user_id))
    return Response(204)


def change_password(call: IdentityCall, user_id: str) -> Response:
    """Change the password of a user who knows the present one."""
    types = {"original_password": "string", "password": "string"}
    content = attributes(call, "user", types, "original_password", "password")
    user = call.model.users.get(user_id)
    if user is None or content["original_password"] != user.password:
        raise ApiError(401, "The request you have made requires authentication.")
    user.password = content["password"]
    call.model.revoke_all(user)
    return Response(204)


def list_user_projects(call: IdentityCall, user_id: str) -> Response:
    """List the projects in which a user has a role."""
    user = _user(call, "list_user_projects", user_id, owner=True)
    return page(call, "projects", projects_of(call, user.id), "domain_id", "enabled")


def projects_of(call: IdentityCall, user_id: str) -> list[dict[str, Any]]:
    """Return the enabled projects in which a user has a role."""
    projects = call.model.projects
    ids = [target.id for target in call.model.assignments.targets(user_id, "project")]
    return [project_view(call, projects[each]) for each in ids if projects[each].enabled]


def list_user_groups(call: IdentityCall, user_id: str) -> Response:
    """List the groups of a user."""
    user = _user(call, "list_groups_for_user", user_id, owner=True)
    groups = [group for group in call.model.groups.values() if user.id in group.user_ids]
    return page(call, "groups", [group_view(call, group) for group in groups])


def list_groups(call: IdentityCall) -> Response:
    """List the groups."""
    domain = call.request.param("domain_id") or call.caller.domain_id or None
    allow(call, "list_groups", domain=domain)
    rows = [group_view(call, group) for group in call.model.groups.values()]
    return page(call, "groups", rows, "domain_id")


def _group(call: IdentityCall, rule: str, group_id: str) -> records.Group:
    group = call.model.groups.get(group_id)
    allow(call, rule, domain=group.domain_id if group else None)
    return found("group", call.model.groups, group_id)


def show_group(call: IdentityCall, group_id: str) -> Response:
    """Show one group."""
    return Response(200, {"group": group_view(call, _group(call, "get_group", group_id))})


def create_group(call: IdentityCall) -> Response:
    """Create a group."""
    content, model = attributes(call, "group", GROUP, "name"), call.model
    domain_id = content.get("domain_id") or call.caller.domain_id or records.DEFAULT_DOMAIN
    allow(call, "create_group", domain=domain_id)
    found("domain", model.domains, domain_id)
    _check_group_name(call, content["name"], domain_id)
    group = records.Group(
        id=model.new_id(),
        name=content["name"],
        domain_id=domain_id,
        description=content.get("description"),
        extra=extra(content, GROUP),
    )
    model.groups[group.id] = group
    return Response(201, {"group": group_view(call, group)})


def _check_group_name(call: IdentityCall, name: str, domain_id: str, own: str = "") -> None:
    for group in call.model.groups.values():
        if (group.name, group.domain_id) == (name, domain_id) and group.id != own:
            raise conflict("group", f"Duplicate entry found with name {name}")


def change_group(call: IdentityCall, group_id: str) -> Response:
    """Change a group."""
    group, content = _group(call, "update_group", group_id), attributes(call, "group", GROUP)
    if "name" in content:
        _check_group_name(call, content["name"], group.domain_id, own=group.id)
    for name in ("name", "description"):
        if name in content:
            setattr(group, name, content[name])
    group.extra = group.extra | extra(content, GROUP)
    return Response(200, {"group": group_view(call, group)})


def delete_group(call: IdentityCall, group_id: str) -> Response:
    """Delete a group."""
    removal.delete_group(call.model, _group(call, "delete_group", group_id))
    return Response(204)


def list_group_users(call: IdentityCall, group_id: str) -> Response:
    """List the users of a group."""
    group = _group(call, "list_users_in_group", group_id)
    rows = [user_view(call, call.model.users[each]) for each in group.user_ids]
    return page(call, "users", rows)


def add_group_user(call: IdentityCall, group_id: str, user_id: str) -> Response:
    """Add a user to a group."""
    group = _group(call, "add_user_to_group", group_id)
    user = found("user", call.model.users, user_id)
    if user.id not in group.user_ids:
        group.user_ids.append(user.id)
        call.model.changed()
    return Response(204)


def check_group_user(call: IdentityCall, group_id: str, user_id: str) -> Response:
    """Return 204 if the user is in the group."""
    group = _group(call, "check_user_in_group", group_id)
    found("user", call.model.users, user_id)
    _check_member(group, user_id)
    return Response(204)


def remove_group_user(call: IdentityCall, group_id: str, user_id: str) -> Response:
    """Remove a user from a group; the roles of the group end for the user."""
    group = _group(call, "remove_user_from_group", group_id)
    found("user", call.model.users, user_id)
    _check_member(group, user_id)
    group.user_ids.remove(user_id)
    call.model.changed()
    return Response(204)


def _check_member(group: records.Group, user_id: str) -> None:
    if user_id not in group.user_ids:
        raise ApiError(404, f"User '{user_id}' not found in group '{group.id}'")
