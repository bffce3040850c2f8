"""The deletion of domains, projects, users, groups and roles, with all that depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError
from pytest_osfutures.fakecloud.services.identity.models.records import (
    Domain,
    Entry,
    Group,
    Project,
    Role,
    User,
)
from pytest_osfutures.fakecloud.services.identity.models.state import IdentityModel


def check_mutable(
    action: str, kind: str, record: Entry, content: Mapping[str, Any] | None = None
) -> None:
    """Raise ApiError(403) if the record is immutable and `content` does not end this.

    Args:
        action: "update" or "delete".
        kind: the type of the record, for the message.
        record: the record to change.
        content: the attributes of a request that changes the record.
    """
    options = (content or {}).get("options")
    ends = isinstance(options, dict) and options.get("immutable") is False
    if record.is_immutable and not ends:
        raise ApiError(
            403,
            f"Unable to {action} immutable {kind} resource: `{record.id}. Set resource option "
            '"immutable" to false first.',
        )


def delete_project(model: IdentityModel, project: Project) -> None:
    """Delete a project with its role assignments, credentials and trusts."""
    del model.projects[project.id]
    model.assignments.discard_all(project.id)
    model.forget_delegations(None, project.id)
    for user in model.users.values():
        if user.default_project_id == project.id:
            user.default_project_id = None


def delete_user(model: IdentityModel, user: User) -> None:
    """Delete a user with the role assignments, credentials, access rules and trusts."""
    del model.users[user.id]
    for group in model.groups.values():
        group.user_ids = [each for each in group.user_ids if each != user.id]
    for rule in list(model.access_rules.values()):
        if rule.user_id == user.id:
            del model.access_rules[rule.id]
    model.assignments.discard_all(user.id)
    model.forget_delegations(user.id, None)


def delete_group(model: IdentityModel, group: Group) -> None:
    """Delete a group with its role assignments."""
    del model.groups[group.id]
    model.assignments.discard_all(group.id)
    model.changed()


def delete_role(model: IdentityModel, role: Role) -> None:
    """Delete a role with its assignments."""
    del model.roles[role.id]
    for other in model.roles.values():
        other.implies = [each for each in other.implies if each != role.id]
    model.assignments.discard_all(role.id)
    model.changed()


def delete_domain(model: IdentityModel, domain: Domain) -> None:
    """Delete a domain with its projects, users, groups and roles."""
    for project in list(model.projects.values()):
        if project.domain_id == domain.id:
            delete_project(model, project)
    for user in list(model.users.values()):
        if user.domain_id == domain.id:
            delete_user(model, user)
    for group in list(model.groups.values()):
        if group.domain_id == domain.id:
            delete_group(model, group)
    for role in list(model.roles.values()):
        if role.domain_id == domain.id:
            delete_role(model, role)
    model.assignments.discard_all(domain.id)
    del model.domains[domain.id]
    model.changed()
