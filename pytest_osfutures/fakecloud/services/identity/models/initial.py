"""The domain, projects, users, roles and catalog that a new cloud has."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from pytest_osfutures.fakecloud.services.identity.models.records import (
    DEFAULT_DOMAIN,
    REGION,
    SYSTEM,
    Assignment,
    CatalogService,
    Domain,
    Endpoint,
    Project,
    Region,
    Role,
    Target,
    User,
)

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.services.identity.models.state import IdentityModel

PASSWORD = "osfutures"  # noqa: S105  of both users, and no secret
#: service type, service name, path below the origin
CATALOG = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("volumev3", "cinder", "/volume/v3/$(project_id)s"),
    ("block-storage", "cinder", "/volume/v3/$(project_id)s"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
)
INTERFACES = ("public", "internal", "admin")
IMMUTABLE = {"immutable": True}


def create_initial_resources(model: IdentityModel) -> None:
    """Create the users `demo` (member) and `admin`, each with a project of the same name.

    A random generator of its own gives the ids of what has come later, so that a seed
    gives all other resources the ids that they had before.
    """
    model.domains[DEFAULT_DOMAIN] = Domain(
        id=DEFAULT_DOMAIN, name="Default", description="The default domain"
    )
    demo, admin = (_create_project(model, name) for name in ("demo", "admin"))
    user, operator = (_create_user(model, project) for project in (demo, admin))
    for name in ("reader", "member", "manager", "admin"):
        role = Role(id=model.new_id(), name=name, options=dict(IMMUTABLE))
        model.roles[role.id] = role
    reader, member, manager, administrator = model.roles.values()
    member.implies = [reader.id]
    manager.implies = [member.id]
    administrator.implies = [manager.id]
    projects = Target("project", demo.id), Target("project", admin.id)
    for person, target, given in (
        (user, projects[0], member),
        (operator, projects[1], administrator),
        (operator, projects[0], administrator),
        (operator, SYSTEM, administrator),
    ):
        model.assignments.add(Assignment("user", person.id, target, given.id))
    model.regions[REGION] = Region(id=REGION)
    for kind, name, path in CATALOG:
        _create_catalog_service(model, kind, name, path, model.new_id)
    later = Random(f"{model.runtime.seed}:catalog")

    def new_id() -> str:
        return f"{later.getrandbits(128):032x}"

    _create_catalog_service(model, "placement", "placement", "/placement", new_id)
    service = Role(id=new_id(), name="service", options=dict(IMMUTABLE))
    model.roles[service.id] = service


def _create_project(model: IdentityModel, name: str) -> Project:
    project = Project(
        id=model.new_id(), name=name, domain_id=DEFAULT_DOMAIN, parent_id=DEFAULT_DOMAIN
    )
    model.projects[project.id] = project
    return project


def _create_user(model: IdentityModel, project: Project) -> User:
    user = User(
        id=model.new_id(),
        name=project.name,
        domain_id=DEFAULT_DOMAIN,
        password=PASSWORD,
        default_project_id=project.id,
    )
    model.users[user.id] = user
    return user


def _create_catalog_service(
    model: IdentityModel, kind: str, name: str, path: str, new_id: Callable[[], str]
) -> None:
    service = CatalogService(id=new_id(), name=name, type=kind)
    model.services[service.id] = service
    for interface in INTERFACES:
        endpoint = Endpoint(
            id=new_id(),
            name="",
            service_id=service.id,
            interface=interface,
            url=path,
            region_id=REGION,
        )
        model.endpoints[endpoint.id] = endpoint
