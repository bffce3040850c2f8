"""The factories of a class, a module or a session, and of all workers of pytest-xdist together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_osfutures.plugin import factories

if TYPE_CHECKING:
    from pytest_osfutures.plugin.scope import Scope
    from pytest_osfutures.plugin.shared import SharedScope


# Scope: class


@pytest.fixture(scope="class")
def os_servers_class(_osfutures_class: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the class."""
    return factories.Servers(_osfutures_class)


@pytest.fixture(scope="class")
def os_volumes_class(_osfutures_class: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the class."""
    return factories.Volumes(_osfutures_class)


@pytest.fixture(scope="class")
def os_snapshots_class(_osfutures_class: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the class."""
    return factories.Snapshots(_osfutures_class)


@pytest.fixture(scope="class")
def os_backups_class(_osfutures_class: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the class."""
    return factories.Backups(_osfutures_class)


@pytest.fixture(scope="class")
def os_images_class(_osfutures_class: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the class."""
    return factories.Images(_osfutures_class)


@pytest.fixture(scope="class")
def os_keypairs_class(_osfutures_class: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the class."""
    return factories.Keypairs(_osfutures_class)


@pytest.fixture(scope="class")
def os_networks_class(_osfutures_class: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the class."""
    return factories.Networks(_osfutures_class)


@pytest.fixture(scope="class")
def os_subnets_class(_osfutures_class: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the class."""
    return factories.Subnets(_osfutures_class)


@pytest.fixture(scope="class")
def os_ports_class(_osfutures_class: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the class."""
    return factories.Ports(_osfutures_class)


@pytest.fixture(scope="class")
def os_routers_class(_osfutures_class: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the class."""
    return factories.Routers(_osfutures_class)


@pytest.fixture(scope="class")
def os_floating_ips_class(_osfutures_class: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the class."""
    return factories.FloatingIps(_osfutures_class)


@pytest.fixture(scope="class")
def os_security_groups_class(_osfutures_class: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the class."""
    return factories.SecurityGroups(_osfutures_class)


# Scope: module


@pytest.fixture(scope="module")
def os_servers_module(_osfutures_module: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the module."""
    return factories.Servers(_osfutures_module)


@pytest.fixture(scope="module")
def os_volumes_module(_osfutures_module: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the module."""
    return factories.Volumes(_osfutures_module)


@pytest.fixture(scope="module")
def os_snapshots_module(_osfutures_module: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the module."""
    return factories.Snapshots(_osfutures_module)


@pytest.fixture(scope="module")
def os_backups_module(_osfutures_module: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the module."""
    return factories.Backups(_osfutures_module)


@pytest.fixture(scope="module")
def os_images_module(_osfutures_module: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the module."""
    return factories.Images(_osfutures_module)


@pytest.fixture(scope="module")
def os_keypairs_module(_osfutures_module: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the module."""
    return factories.Keypairs(_osfutures_module)


@pytest.fixture(scope="module")
def os_networks_module(_osfutures_module: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the module."""
    return factories.Networks(_osfutures_module)


@pytest.fixture(scope="module")
def os_subnets_module(_osfutures_module: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the module."""
    return factories.Subnets(_osfutures_module)


@pytest.fixture(scope="module")
def os_ports_module(_osfutures_module: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the module."""
    return factories.Ports(_osfutures_module)


@pytest.fixture(scope="module")
def os_routers_module(_osfutures_module: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the module."""
    return factories.Routers(_osfutures_module)


@pytest.fixture(scope="module")
def os_floating_ips_module(_osfutures_module: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the module."""
    return factories.FloatingIps(_osfutures_module)


@pytest.fixture(scope="module")
def os_security_groups_module(_osfutures_module: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the module."""
    return factories.SecurityGroups(_osfutures_module)


# Scope: session


@pytest.fixture(scope="session")
def os_servers_session(_osfutures_session: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the session."""
    return factories.Servers(_osfutures_session)


@pytest.fixture(scope="session")
def os_volumes_session(_osfutures_session: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the session."""
    return factories.Volumes(_osfutures_session)


@pytest.fixture(scope="session")
def os_snapshots_session(_osfutures_session: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the session."""
    return factories.Snapshots(_osfutures_session)


@pytest.fixture(scope="session")
def os_backups_session(_osfutures_session: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the session."""
    return factories.Backups(_osfutures_session)


@pytest.fixture(scope="session")
def os_images_session(_osfutures_session: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the session."""
    return factories.Images(_osfutures_session)


@pytest.fixture(scope="session")
def os_keypairs_session(_osfutures_session: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the session."""
    return factories.Keypairs(_osfutures_session)


@pytest.fixture(scope="session")
def os_networks_session(_osfutures_session: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the session."""
    return factories.Networks(_osfutures_session)


@pytest.fixture(scope="session")
def os_subnets_session(_osfutures_session: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the session."""
    return factories.Subnets(_osfutures_session)


@pytest.fixture(scope="session")
def os_ports_session(_osfutures_session: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the session."""
    return factories.Ports(_osfutures_session)


@pytest.fixture(scope="session")
def os_routers_session(_osfutures_session: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the session."""
    return factories.Routers(_osfutures_session)


@pytest.fixture(scope="session")
def os_floating_ips_session(_osfutures_session: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the session."""
    return factories.FloatingIps(_osfutures_session)


@pytest.fixture(scope="session")
def os_security_groups_session(_osfutures_session: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the session."""
    return factories.SecurityGroups(_osfutures_session)


# Shared by all workers of pytest-xdist


@pytest.fixture(scope="session")
def os_servers_shared(_osfutures_shared: SharedScope) -> factories.SharedServers:
    """Create servers once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedServers(_osfutures_shared)


@pytest.fixture(scope="session")
def os_volumes_shared(_osfutures_shared: SharedScope) -> factories.SharedVolumes:
    """Create volumes once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedVolumes(_osfutures_shared)


@pytest.fixture(scope="session")
def os_snapshots_shared(_osfutures_shared: SharedScope) -> factories.SharedSnapshots:
    """Create snapshots once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedSnapshots(_osfutures_shared)


@pytest.fixture(scope="session")
def os_images_shared(_osfutures_shared: SharedScope) -> factories.SharedImages:
    """Create images once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedImages(_osfutures_shared)
