"""The factories of servers and keypairs: one fixture for each scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.scopes import factories

if TYPE_CHECKING:
    from pytest_osfutures.scopes import Scope, SharedScope


@pytest.fixture
def os_servers(_osfutures_function: Scope) -> factories.Servers:
    """Create servers, which are deleted at the end of the test.

    `os_servers.create_async(name, image, flavor, network=..., tout=..., try_count=...)` returns a
    future at once. Image, flavor and network are names, ids or objects; defaults are the options
    --os-image, --os-flavor and --os-network. All other arguments are those of novaclient's
    `servers.create`.

    Example:
        def test_web(os_servers):
            first, second = os_servers.create_async("web"), os_servers.create_async("db")
            assert first.result().status == second.result().status == "ACTIVE"
    """
    return factories.Servers(_osfutures_function)


@pytest.fixture(scope="class")
def os_servers_class(_osfutures_class: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the class."""
    return factories.Servers(_osfutures_class)


@pytest.fixture(scope="module")
def os_servers_module(_osfutures_module: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the module."""
    return factories.Servers(_osfutures_module)


@pytest.fixture(scope="session")
def os_servers_session(_osfutures_session: Scope) -> factories.Servers:
    """Create servers as `os_servers` does; they are deleted at the end of the session."""
    return factories.Servers(_osfutures_session)


@pytest.fixture(scope="session")
def os_server_args() -> dict[str, Any]:
    """Return default arguments for servers, to override in a folder, module or class."""
    return {}


@pytest.fixture(scope="session")
def os_servers_shared(_osfutures_shared: SharedScope) -> factories.SharedServers:
    """Create servers once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedServers(_osfutures_shared)


@pytest.fixture
def os_attachments(_osfutures_function: Scope) -> factories.Attachments:
    """Attach volumes to servers; the volumes are detached at the end of the test.

    `os_attachments.create_async(server, volume)` returns a future at once.

    Example:
        def test_attachment(os_servers, os_volumes, os_attachments):
            vm, disk = os_servers.create_async().result(), os_volumes.create_async().result()
            assert os_attachments.create_async(vm, disk).result().volumeId == disk.id
    """
    return factories.Attachments(_osfutures_function)


@pytest.fixture(scope="class")
def os_attachments_class(_osfutures_class: Scope) -> factories.Attachments:
    """Attach volumes as `os_attachments` does; they are detached at the end of the class."""
    return factories.Attachments(_osfutures_class)


@pytest.fixture(scope="module")
def os_attachments_module(_osfutures_module: Scope) -> factories.Attachments:
    """Attach volumes as `os_attachments` does; they are detached at the end of the module."""
    return factories.Attachments(_osfutures_module)


@pytest.fixture(scope="session")
def os_attachments_session(_osfutures_session: Scope) -> factories.Attachments:
    """Attach volumes as `os_attachments` does; they are detached at the end of the session."""
    return factories.Attachments(_osfutures_session)


@pytest.fixture(scope="session")
def os_attachment_args() -> dict[str, Any]:
    """Return default arguments for attachments, to override in a folder, module or class."""
    return {}


@pytest.fixture
def os_keypairs(_osfutures_function: Scope) -> factories.Keypairs:
    """Create keypairs, which are deleted at the end of the test.

    `os_keypairs.create(name, public_key)` returns the keypair; without a public key it is a new
    one with its `private_key`.

    Example:
        def test_login(os_keypairs, os_servers):
            key = os_keypairs.create("laptop")
            assert os_servers.create_async(key_name=key).result().key_name == key.name
    """
    return factories.Keypairs(_osfutures_function)


@pytest.fixture(scope="class")
def os_keypairs_class(_osfutures_class: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the class."""
    return factories.Keypairs(_osfutures_class)


@pytest.fixture(scope="module")
def os_keypairs_module(_osfutures_module: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the module."""
    return factories.Keypairs(_osfutures_module)


@pytest.fixture(scope="session")
def os_keypairs_session(_osfutures_session: Scope) -> factories.Keypairs:
    """Create keypairs as `os_keypairs` does; they are deleted at the end of the session."""
    return factories.Keypairs(_osfutures_session)


@pytest.fixture(scope="session")
def os_keypair_args() -> dict[str, Any]:
    """Return default arguments for keypairs, to override in a folder, module or class."""
    return {}
