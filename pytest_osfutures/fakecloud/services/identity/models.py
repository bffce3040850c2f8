"""The state of Keystone: users, projects, roles, tokens, credentials, catalog."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Caller,
    ResourceRecord,
    ResourceTable,
    Runtime,
)

PASSWORD = "osfutures"  # noqa: S105  of both users, and no secret
REGION = "RegionOne"
DOMAIN = {"id": "default", "name": "Default"}
#: service type, service name, path below the origin
CATALOG = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("volumev3", "cinder", "/volume/v3/{project_id}"),
    ("block-storage", "cinder", "/volume/v3/{project_id}"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
)
INTERFACES = ("public", "internal", "admin")


class AuthenticationError(Exception):
    """The user, the password, the credential or the scope is invalid."""


@dataclass
class Project:
    """A project of the default domain."""

    id: str
    name: str


@dataclass
class User:
    """A user of the default domain, with the roles in each project."""

    id: str
    name: str
    password: str
    default_project_id: str
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: by project id


@dataclass
class Token:
    """A token with its user, project, roles and lifetime."""

    id: str
    user: User
    project: Project | None
    roles: tuple[str, ...]
    methods: list[str]
    audit_id: str
    issued_at: float
    expires_at: float


@dataclass(eq=False, kw_only=True)
class ApplicationCredential(ResourceRecord):
    """An application credential: access to one project with a secret of its own."""

    secret: str
    roles: tuple[str, ...]
    description: str | None = None
    unrestricted: bool = False


class IdentityModel:
    """The state of Keystone: the users `demo` (member) and `admin`, each with a project."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.projects = {p.id: p for p in (self._project("demo"), self._project("admin"))}
        demo, admin = self.projects
        self.users = {
            user.id: user
            for user in (
                User(self._hex(), "demo", PASSWORD, demo, {demo: ("reader", "member")}),
                User(self._hex(), "admin", PASSWORD, admin, {}),
            )
        }
        everything = ("reader", "member", "manager", "admin")
        self.user_named("admin").roles = {admin: everything, demo: everything}
        self.role_ids = {name: self._hex() for name in everything}
        self.tokens: dict[str, Token] = {}
        self.application_credentials: ResourceTable[ApplicationCredential] = ResourceTable(
            runtime.database, "application_credential"
        )
        self._catalog_ids = {
            (kind, interface): self._hex()
            for kind, _, _ in CATALOG
            for interface in ("service", *INTERFACES)
        }

    def _hex(self) -> str:
        return self.runtime.new_id().replace("-", "")

    def _project(self, name: str) -> Project:
        return Project(self._hex(), name)

    def user_named(self, name: str) -> User:
        """Return the user with that name. Raises AuthenticationError."""
        for user in self.users.values():
            if user.name == name:
                return user
        raise AuthenticationError(name)

    def project_by(self, id_or_name: str | None) -> Project:
        """Return the project with that id or name. Raises AuthenticationError."""
        for project in self.projects.values():
            if id_or_name in (project.id, project.name):
                return project
        raise AuthenticationError(id_or_name)

    def project_ids(self) -> list[str]:
        """Return the ids of all projects."""
        return list(self.projects)

    def project_id(self, name: str) -> str:
        """Return the id of the project with that name. Raises AuthenticationError."""
        return self.project_by(name).id

    def by_password(self, user: str, password: str) -> User:
        """Return the user (id or name) with that password. Raises AuthenticationError."""
        found = self.users.get(user) or self.user_named(user)
        if found.password != password:
            raise AuthenticationError(user)
        return found

    def by_application_credential(
        self, credential: str, secret: str, user: str | None
    ) -> ApplicationCredential:
        """Return the credential (id, or name of `user`) with that secret.

        Raises AuthenticationError.
        """
        owner = (self.users.get(user) or self.user_named(user)).id if user else None
        for found in self.application_credentials:
            named = found.id == credential or (found.user_id, found.name) == (owner, credential)
            if named and found.secret == secret:
                return found
        raise AuthenticationError(credential)

    def issue(
        self,
        user: User,
        project: Project | None,
        methods: list[str],
        roles: tuple[str, ...] | None = None,
        expires_at: float | None = None,
    ) -> Token:
        """Issue a token. Raises AuthenticationError if the user has no role in the project."""
        if project is not None and project.id not in user.roles:
            raise AuthenticationError(project.id)
        now = self.runtime.schedule.time()
        if roles is None:
            roles = user.roles[project.id] if project else ()
        token = Token(
            id="gAAAAA" + self._hex() + self._hex(),
            user=user,
            project=project,
            roles=roles,
            methods=methods,
            audit_id=self._hex()[:22],
            issued_at=now,
            expires_at=expires_at or now + self.runtime.settings.token_seconds,
        )
        self.tokens[token.id] = token
        return token

    def token(self, token_id: str) -> Token | None:
        """Return the token; None if it is unknown, revoked or expired."""
        token = self.tokens.get(token_id)
        if token is not None and token.expires_at <= self.runtime.schedule.time():
            del self.tokens[token_id]
            return None
        return token

    def revoke(self, token_id: str) -> None:
        """Revoke a token."""
        self.tokens.pop(token_id, None)

    def caller_of(self, token_id: str) -> Caller | None:
        """Return the caller of a valid token, or None."""
        token = self.token(token_id)
        if token is None:
            return None
        project_id = token.project.id if token.project else ""
        return Caller(token.user.id, project_id, token.roles, token_id)

    def catalog(self, origin: str, project_id: str) -> list[dict[str, Any]]:
        """Return the service catalog, with URLs below `origin`."""
        return [
            {
                "endpoints": [
                    {
                        "id": self._catalog_ids[kind, interface],
                        "interface": interface,
                        "region_id": REGION,
                        "url": origin + path.format(project_id=project_id),
                        "region": REGION,
                    }
                    for interface in INTERFACES
                ],
                "id": self._catalog_ids[kind, "service"],
                "type": kind,
                "name": name,
            }
            for kind, name, path in CATALOG
        ]
