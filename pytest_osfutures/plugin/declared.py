"""Declared needs: fixtures whose resources are known before the tests run.

    from pytest_osfutures import factories

    web = factories.server(flavor="m1.tiny")
    disk = factories.volume(size=2, scope="module")
    io = factories.attachment(web, disk)

Each function returns a pytest fixture, whose value is the future of the resource. Any argument may
be another fixture of the same module or class; `factories.fixture("web")` names a fixture of a
conftest.py file. Nothing of OpenStack is imported here, because conftest.py files import this
module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from pytest_osfutures.plugin.need import FixtureName, Need, Reuse, ScopeName, declare

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_osfutures.protocols import (
        FactoryArguments,
        ImageArguments,
        Reference,
    )
    from pytest_osfutures.scopes.factories.block_storage import (
        BackupCall,
        SnapshotCall,
        VolumeCall,
    )
    from pytest_osfutures.scopes.factories.compute import ServerCall
    from pytest_osfutures.scopes.factories.image import ServerImageCall

    class DeclaredServerCall(ServerCall, total=False):
        """Keyword arguments of `factories.server`."""

        reuse: Reuse


def fixture(name: str) -> Any:
    """Return a reference to a fixture by its name, as an argument of a declared need.

    Args:
        name: name of any fixture; if its value is a future, the need waits for the result.

    Example:
        io = factories.attachment(factories.fixture("web"), disk)
    """
    return FixtureName(name)


def server(
    name: str | None = None,
    image: Reference | None = None,
    flavor: Reference | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[DeclaredServerCall],
) -> Any:
    """Declare a server; the arguments are those of `os_servers.create_async`.

    With `reuse`, a server that came back clean from its tests serves the next declaration with
    `reuse` and equal arguments (default arguments and marks included), instead of being deleted.
    A server is clean if no exception has ended a test that used the server, and if the server is
    as it was: active, unlocked, with the same addresses and metadata, and without new volumes.

    Args:
        name: name of the server.
        image: image.
        flavor: flavor.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_servers.create_async`, and `reuse`: True rebuilds a clean server from
            its image for the next test, `"as-is"` hands it on with all that the last test has left
            on its disk (default: False).

    Raises:
        InvalidArgument: `reuse` has another value.

    Example:
        web = factories.server(params=[{"flavor": "m1.tiny"}, {"flavor": "m1.small"}])
    """
    reuse = arguments.pop("reuse", False)
    if not (isinstance(reuse, bool) or reuse == "as-is"):
        from pytest_osfutures.errors import InvalidArgument

        raise InvalidArgument(f"reuse={reuse!r}: accepted are True, False and 'as-is'")
    given = {"name": name, "image": image, "flavor": flavor, **arguments}
    return declare(Need("Servers", given, scope, reuse=reuse), params)


def volume(
    size: int | None = None,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[VolumeCall],
) -> Any:
    """Declare a volume; the arguments are those of `os_volumes.create_async`.

    Args:
        size: size in GiB (default: 1).
        name: name of the volume.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_volumes.create_async`.

    Example:
        disk = factories.volume(size=2, scope="module")
    """
    given = {"size": size, "name": name, **arguments}
    return declare(Need("Volumes", given, scope), params)


def attachment(
    server: Reference,
    volume: Reference,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[FactoryArguments],
) -> Any:
    """Declare an attachment; the arguments are those of `os_attachments.create_async`.

    Args:
        server: the server.
        volume: the volume.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_attachments.create_async`.

    Example:
        io = factories.attachment(web, disk)
    """
    given = {"server": server, "volume": volume, **arguments}
    return declare(Need("Attachments", given, scope), params)


def snapshot(
    volume: Reference,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[SnapshotCall],
) -> Any:
    """Declare a snapshot of a volume; the arguments are those of `os_snapshots.create_async`.

    Args:
        volume: the volume.
        name: name of the snapshot.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_snapshots.create_async`.

    Example:
        copy = factories.snapshot(disk)
    """
    given = {"volume": volume, "name": name, **arguments}
    return declare(Need("Snapshots", given, scope), params)


def backup(
    volume: Reference,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[BackupCall],
) -> Any:
    """Declare a backup of a volume; the arguments are those of `os_backups.create_async`.

    Args:
        volume: the volume.
        name: name of the backup.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_backups.create_async`.

    Example:
        saved = factories.backup(disk)
    """
    given = {"volume": volume, "name": name, **arguments}
    return declare(Need("Backups", given, scope), params)


def image(
    server: Reference,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[ServerImageCall],
) -> Any:
    """Declare an image of a server; the arguments are those of `os_images.create_async`.

    Args:
        server: the server.
        name: name of the image.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_images.create_async`.

    Example:
        golden = factories.image(web, scope="module")
    """
    given = {"server": server, "name": name, **arguments}
    return declare(Need("Images", given, scope), params)


def uploaded_image(
    source: str | Path | bytes,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[ImageArguments],
) -> Any:
    """Declare an image of data; the arguments are those of `os_images.upload_async`.

    Args:
        source: path of a file, or bytes.
        name: name of the image.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_images.upload_async`.

    Example:
        cirros = factories.uploaded_image("cirros.qcow2", scope="session")
    """
    given = {"source": source, "name": name, **arguments}
    return declare(Need("Images", given, scope, "upload_async"), params)


def keypair(
    name: str | None = None,
    public_key: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """Declare a keypair; the arguments are those of `os_keypairs.create`.

    Args:
        name: end of the keypair's name.
        public_key: public key in OpenSSH's format (default: that of a new key).
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.

    Example:
        laptop = factories.keypair(scope="session")
    """
    given = {"name": name, "public_key": public_key}
    return declare(Need("Keypairs", given, scope, "create"), params)
