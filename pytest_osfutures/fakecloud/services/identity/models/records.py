"""The records of Keystone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pytest_osfutures.fakecloud.kernel import Caller, ResourceRecord

#: Methods that records do not need; to generate them takes most of the time of an import.
PLAIN: Any = {"eq": False, "repr": False, "match_args": False}
REGION = "RegionOne"
DEFAULT_DOMAIN = "default"


class AuthenticationError(Exception):
    """The user, the password, the credential or the scope is invalid."""


@dataclass(kw_only=True, **PLAIN)
class Entry:
    """A record with an id and a name.

    `extra` has the attributes that Keystone stores without knowing them, such as `email`.
    """

    id: str
    name: str
    description: str | None = ""
    enabled: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_immutable(self) -> bool:
        """Return True if the record can be neither changed nor deleted."""
        return bool(self.options.get("immutable"))


@dataclass(kw_only=True, **PLAIN)
class Domain(Entry):
    """A domain: users, groups and projects with names of their own."""

    tags: list[str] = field(default_factory=list)


@dataclass(kw_only=True, **PLAIN)
class Project(Entry):
    """A project; `parent_id` is another project or the domain."""

    domain_id: str
    parent_id: str
    tags: list[str] = field(default_factory=list)


@dataclass(kw_only=True, **PLAIN)
class User(Entry):
    """A user; `revoked_before` counts the tokens that a new password has made invalid."""

    domain_id: str
    password: str | None = None
    default_project_id: str | None = None
    revoked_before: int = 0  #: serial number of the first token that is valid


@dataclass(kw_only=True, **PLAIN)
class Group(Entry):
    """A group of users."""

    domain_id: str
    user_ids: list[str] = field(default_factory=list)


@dataclass(kw_only=True, **PLAIN)
class Role(Entry):
    """A role; a role with a domain exists in that domain alone."""

    domain_id: str | None = None
    description: str | None = None
    implies: list[str] = field(default_factory=list)  #: ids of roles


class Target(NamedTuple):
    """The scope of a role: a project, a domain or the system."""

    kind: str  #: "project", "domain" or "system"
    id: str = "all"


SYSTEM = Target("system")


class Assignment(NamedTuple):
    """A role of a user or a group on a target, or, if inherited, on the projects below it."""

    actor: str  #: "user" or "group"
    actor_id: str
    target: Target
    role_id: str
    inherited: bool = False


@dataclass(kw_only=True, **PLAIN)
class CatalogService(Entry):
    """A service of the catalog."""

    type: str


@dataclass(kw_only=True, **PLAIN)
class Endpoint(Entry):
    """The URL of a service. A path without a host is below the address of the fake."""

    service_id: str
    interface: str
    url: str
    region_id: str | None = None


@dataclass(kw_only=True, **PLAIN)
class Region:
    """A region of the catalog."""

    id: str
    description: str = ""
    parent_region_id: str | None = None


@dataclass(**PLAIN)
class AccessRule:
    """A request that an application credential allows."""

    id: str
    user_id: str
    service: str
    method: str
    path: str


@dataclass(kw_only=True, **PLAIN)
class ApplicationCredential(ResourceRecord):
    """An application credential: access to one project with a secret of its own."""

    secret: str
    role_ids: tuple[str, ...]
    description: str | None = None
    unrestricted: bool = False
    expires_at: float | None = None
    access_rules: tuple[AccessRule, ...] | None = None


@dataclass(kw_only=True, **PLAIN)
class Trust(ResourceRecord):
    """A trust: the trustee acts with roles of the trustor (`user_id`) in a project."""

    trustee_user_id: str
    role_ids: tuple[str, ...]
    impersonation: bool
    expires_at: float | None = None
    remaining_uses: int | None = None
    redelegation_count: int = 0
    allow_redelegation: bool = False
    redelegated_trust_id: str | None = None


@dataclass(kw_only=True, **PLAIN)
class Token:
    """A token with its user, scope and lifetime.

    `roles` and `caller` are those of the model's generation `checked`.
    """

    id: str
    serial: int
    user: User
    target: Target | None
    methods: list[str]
    audit_ids: list[str]
    issued_at: float
    expires_at: float
    credential: ApplicationCredential | None = None
    trust: Trust | None = None
    roles: tuple[Role, ...] = ()
    caller: Caller = field(default_factory=Caller)
    checked: int = -1
