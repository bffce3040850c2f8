"""The roles of users and groups on projects, domains and the system."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_osfutures.fakecloud.services.identity.models.records import (
    Assignment,
    Group,
    Project,
    Role,
    Target,
)


class Assignments:
    """All role assignments, and the roles that follow from them.

    Args:
        projects: all projects by id; roles are inherited from the projects above a project.
        groups: all groups by id; a user has the roles of the groups.
        roles: all roles by id; a role may imply others.
    """

    def __init__(
        self, projects: dict[str, Project], groups: dict[str, Group], roles: dict[str, Role]
    ) -> None:
        self._projects = projects
        self._groups = groups
        self._roles = roles
        self._all: dict[Assignment, None] = {}  # a set in the order of creation

    def __iter__(self) -> Iterator[Assignment]:
        return iter(list(self._all))

    def __contains__(self, assignment: Assignment) -> bool:
        return assignment in self._all

    def add(self, assignment: Assignment) -> None:
        """Add an assignment, if it is new."""
        self._all[assignment] = None

    def discard(self, assignment: Assignment) -> None:
        """Delete an assignment."""
        self._all.pop(assignment, None)

    def discard_all(self, ident: str) -> None:
        """Delete all assignments of the user, group, role, project or domain with that id."""
        for each in list(self._all):
            if ident in (each.actor_id, each.role_id, each.target.id):
                del self._all[each]

    def effective(self) -> list[Assignment]:
        """Return the assignments of users that follow from all assignments.

        The roles of a domain give access only by the roles that they imply.

        Groups are replaced by their users, inherited assignments by one for each project below the
        target, and each role is joined by the roles that it implies.
        """
        found: dict[Assignment, None] = {}
        for given in self._all:
            for target in self._reached(given):
                for user_id in self._users(given):
                    for role_id in self.with_implied(given.role_id):
                        if self._roles[role_id].domain_id is not None:
                            continue
                        found[Assignment("user", user_id, target, role_id)] = None
        return list(found)

    def roles(self, user_id: str, target: Target) -> tuple[Role, ...]:
        """Return the roles that a user has on a target, in the order of the roles' creation."""
        found: set[str] = set()
        above = self._above(target)
        for given in self._all:
            if not self._is_of(given, user_id):
                continue
            if (given.target == target and not given.inherited) or (
                given.inherited and given.target in above
            ):
                found.update(self.with_implied(given.role_id))
        return tuple(
            role for role in self._roles.values() if role.id in found and role.domain_id is None
        )

    def targets(self, user_id: str, kind: str) -> list[Target]:
        """Return the targets of a kind on which a user has a role, each once."""
        found: dict[Target, None] = {}
        for given in self._all:
            if self._is_of(given, user_id):
                found.update({each: None for each in self._reached(given) if each.kind == kind})
        return list(found)

    def _is_of(self, given: Assignment, user_id: str) -> bool:
        if given.actor == "user":
            return given.actor_id == user_id
        group = self._groups.get(given.actor_id)
        return group is not None and user_id in group.user_ids

    def _users(self, given: Assignment) -> list[str]:
        if given.actor == "user":
            return [given.actor_id]
        group = self._groups.get(given.actor_id)
        return list(group.user_ids) if group else []

    def _reached(self, given: Assignment) -> list[Target]:
        if not given.inherited:
            return [given.target]
        below = (Target("project", project.id) for project in self._projects.values())
        return [each for each in below if given.target in self._above(each)]

    def _above(self, target: Target) -> list[Target]:
        """Return the projects and the domain above a project, from which roles are inherited."""
        project = self._projects.get(target.id) if target.kind == "project" else None
        found: list[Target] = []
        while project is not None:
            if project.parent_id == project.domain_id:
                return [*found, Target("domain", project.domain_id)]
            found.append(Target("project", project.parent_id))
            project = self._projects.get(project.parent_id)
        return found

    def with_implied(self, role_id: str) -> list[str]:
        """Return the id of a role and the ids of all roles that it implies."""
        found, ahead = [], [role_id]
        while ahead:
            role = self._roles.get(ahead.pop())
            if role is not None and role.id not in found:
                found.append(role.id)
                ahead += role.implies
        return found
