"""The protocols declare the methods and arguments that novaclient and cinderclient have."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest
from cinderclient.v3 import volume_backups, volume_snapshots, volumes
from novaclient.v2 import servers

import pytest_osfutures as osf
from pytest_osfutures import protocols

#: Methods of the clients' base classes, and methods of managers that the clients have put on
#: resources.
INTERNAL = {
    "append_request_ids",
    "extend_volume_completion",
    "get_pools",
    "is_loaded",
    "list_manageable",
    "manage",
    "request_ids_setup",
    "set_info",
    "set_loaded",
    "setup",
}
RESOURCES = [
    (servers.Server, protocols.Server),
    (volumes.Volume, protocols.Volume),
    (volume_snapshots.Snapshot, protocols.Snapshot),
    (volume_backups.VolumeBackup, protocols.Backup),
]
PROTOCOL_IDS = [each[1].__name__ for each in RESOURCES]


def methods(plain: type) -> dict[str, Any]:
    """Return the public methods of a class of a client library."""
    return {
        name: each
        for name, each in inspect.getmembers_static(plain, inspect.isfunction)
        if not name.startswith("_") and name not in INTERNAL
    }


def parameters(method: Any) -> list[str]:
    """Return the names of the parameters without `**`."""
    found = inspect.signature(method).parameters
    return [name for name, each in found.items() if each.kind is not each.VAR_KEYWORD]


@pytest.mark.parametrize(("plain", "protocol"), RESOURCES, ids=PROTOCOL_IDS)
def test_every_method_of_a_resource_is_declared(plain: type, protocol: type) -> None:
    assert set(methods(plain)) <= set(dir(protocol))


@pytest.mark.parametrize(("plain", "protocol"), RESOURCES, ids=PROTOCOL_IDS)
def test_every_declared_method_has_the_parameters_of_the_client(
    plain: type, protocol: type
) -> None:
    for name, method in methods(plain).items():
        declared = parameters(getattr(protocol, name))
        assert parameters(method)[: len(declared)] == declared, name
        for twin in (f"{name}_async", f"{name}_async_r"):
            if inspect.isfunction(found := getattr(protocol, twin, None)):
                given = [each for each in parameters(found) if each not in ("tout", "ready")]
                assert parameters(method)[: len(given)] == given, twin


def test_every_declared_twin_exists() -> None:
    cloud = osf.connect("fake")
    for manager, protocol in (
        (cloud.nova.servers, protocols.Server),
        (cloud.cinder.volumes, protocols.Volume),
        (cloud.cinder.volume_snapshots, protocols.Snapshot),
        (cloud.cinder.backups, protocols.Backup),
    ):
        declared = {*dir(protocol), *typing.get_type_hints(protocol)}
        twins = {name for name in declared if name.endswith(("_async", "_async_r"))}
        assert twins
        assert twins <= set(dir(manager.resource_class))


@pytest.mark.parametrize(
    ("create", "positional", "arguments"),
    [
        (
            servers.ServerManager.create,
            {"name", "image", "flavor", "min_count", "max_count"},
            protocols.ServerArguments,
        ),
        (volumes.VolumeManager.create, {"size", "name"}, protocols.VolumeArguments),
        (
            volume_snapshots.SnapshotManager.create,
            {"volume_id", "name"},
            protocols.SnapshotArguments,
        ),
        (
            volume_backups.VolumeBackupManager.create,
            {"volume_id", "name"},
            protocols.BackupArguments,
        ),
    ],
    ids=["server", "volume", "snapshot", "backup"],
)
def test_every_argument_of_create_is_declared(
    create: Any, positional: set[str], arguments: type
) -> None:
    plain = set(inspect.signature(create).parameters) - {"self", "args", "kwargs"} - positional
    assert plain <= set(arguments.__annotations__)
