"""The factories of volumes, snapshots and backups: one fixture for each scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.scopes import factories

if TYPE_CHECKING:
    from pytest_osfutures.scopes import Scope, SharedScope


@pytest.fixture
def os_volumes(_osfutures_function: Scope) -> factories.Volumes:
    """Create volumes, which are deleted at the end of the test.

    `os_volumes.create_async(size, name, ...)` returns a future at once; all other arguments are
    those of cinderclient's `volumes.create`.

    Example:
        def test_disk(os_volumes):
            assert os_volumes.create_async(size=2).result().status == "available"
    """
    return factories.Volumes(_osfutures_function)


@pytest.fixture(scope="class")
def os_volumes_class(_osfutures_class: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the class."""
    return factories.Volumes(_osfutures_class)


@pytest.fixture(scope="module")
def os_volumes_module(_osfutures_module: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the module."""
    return factories.Volumes(_osfutures_module)


@pytest.fixture(scope="session")
def os_volumes_session(_osfutures_session: Scope) -> factories.Volumes:
    """Create volumes as `os_volumes` does; they are deleted at the end of the session."""
    return factories.Volumes(_osfutures_session)


@pytest.fixture(scope="session")
def os_volume_args() -> dict[str, Any]:
    """Return default arguments for volumes, to override in a folder, module or class."""
    return {}


@pytest.fixture(scope="session")
def os_volumes_shared(_osfutures_shared: SharedScope) -> factories.SharedVolumes:
    """Create volumes once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedVolumes(_osfutures_shared)


@pytest.fixture
def os_snapshots(_osfutures_function: Scope) -> factories.Snapshots:
    """Create snapshots of volumes, which are deleted at the end of the test.

    `os_snapshots.create_async(volume, name, ...)` returns a future at once; all other arguments
    are those of cinderclient's `volume_snapshots.create`.

    Example:
        def test_snapshot(os_volumes, os_snapshots):
            volume = os_volumes.create_async().result()
            assert os_snapshots.create_async(volume).result().volume_id == volume.id
    """
    return factories.Snapshots(_osfutures_function)


@pytest.fixture(scope="class")
def os_snapshots_class(_osfutures_class: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the class."""
    return factories.Snapshots(_osfutures_class)


@pytest.fixture(scope="module")
def os_snapshots_module(_osfutures_module: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the module."""
    return factories.Snapshots(_osfutures_module)


@pytest.fixture(scope="session")
def os_snapshots_session(_osfutures_session: Scope) -> factories.Snapshots:
    """Create snapshots as `os_snapshots` does; they are deleted at the end of the session."""
    return factories.Snapshots(_osfutures_session)


@pytest.fixture(scope="session")
def os_snapshot_args() -> dict[str, Any]:
    """Return default arguments for snapshots, to override in a folder, module or class."""
    return {}


@pytest.fixture(scope="session")
def os_snapshots_shared(_osfutures_shared: SharedScope) -> factories.SharedSnapshots:
    """Create snapshots once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedSnapshots(_osfutures_shared)


@pytest.fixture
def os_backups(_osfutures_function: Scope) -> factories.Backups:
    """Create backups of volumes, which are deleted at the end of the test.

    `os_backups.create_async(volume, name, ...)` returns a future at once; all other arguments are
    those of cinderclient's `backups.create`.

    Example:
        def test_backup(os_volumes, os_backups):
            volume = os_volumes.create_async().result()
            assert os_backups.create_async(volume).result().status == "available"
    """
    return factories.Backups(_osfutures_function)


@pytest.fixture(scope="class")
def os_backups_class(_osfutures_class: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the class."""
    return factories.Backups(_osfutures_class)


@pytest.fixture(scope="module")
def os_backups_module(_osfutures_module: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the module."""
    return factories.Backups(_osfutures_module)


@pytest.fixture(scope="session")
def os_backups_session(_osfutures_session: Scope) -> factories.Backups:
    """Create backups as `os_backups` does; they are deleted at the end of the session."""
    return factories.Backups(_osfutures_session)


@pytest.fixture(scope="session")
def os_backup_args() -> dict[str, Any]:
    """Return default arguments for backups, to override in a folder, module or class."""
    return {}
