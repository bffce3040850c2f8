"""Factories of Nova's resources: servers and keypairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack, overload

from pytest_osfutures.clock import SystemClock
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.operations import ATTACHMENT, KEYPAIR, SERVER
from pytest_osfutures.ownership import StampedResource
from pytest_osfutures.protocols import (
    FactoryArguments,
    Keypair,
    ReadyArguments,
    Reference,
    Server,
    ServerArguments,
    SeveralServers,
    VolumeAttachment,
)
from pytest_osfutures.scopes.factories.base import Factory, client_arguments
from pytest_osfutures.scopes.identifiers import to_id
from pytest_osfutures.scopes.scope import Scope
from pytest_osfutures.stamp import Stamp, new_id

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["Attachments", "Keypairs", "Servers"]


class ServerNetwork(TypedDict, total=False):
    """The network of a new server."""

    #: A network's name, id or object, or `auto` or `none` (default: --os-network).
    network: Reference | None


class ServerCall(ServerArguments, ServerNetwork, FactoryArguments, ReadyArguments, total=False):
    """Keyword arguments of `os_servers.create_async`."""


class SeveralServersCall(SeveralServers, ServerCall):
    """Keyword arguments of `os_servers.create_async` for several servers in one request."""


class Servers(Factory):
    """The factory of servers: the fixtures `os_servers`, `os_servers_class`, ..."""

    @overload
    def create_async(
        self,
        name: str | None = None,
        image: Reference | None = None,
        flavor: Reference | int | None = None,
        **arguments: Unpack[ServerCall],
    ) -> OperationFuture[Server, Server]: ...
    @overload
    def create_async(
        self,
        name: str | None = None,
        image: Reference | None = None,
        flavor: Reference | int | None = None,
        **arguments: Unpack[SeveralServersCall],
    ) -> OperationFuture[list[Server], Server]: ...
    def create_async(
        self,
        name: str | None = None,
        image: Reference | None = None,
        flavor: Reference | int | None = None,
        **arguments: Any,
    ) -> OperationFuture[Any, Any]:
        """Create a server in the background, with retries, and return its future.

        Args:
            name: name of the server (default: a new name that begins with `osf-`).
            image: name, id or object (default: --os-image, else the smallest that boots).
            flavor: name, id or object (default: --os-flavor, else the smallest that holds the
                image).
            arguments: `network`, a name, an id, an object, `auto` or `none` (default:
                --os-network, else the only network); `try_count`, the number of tries
                (--os-try-count); `tout`, the deadline of each try in seconds (--os-timeout);
                `ready`, the condition under which the server is usable, such as
                `osf.ready.tcp(22)`: a try fails if the server is not usable within `tout`;
                arguments of novaclient's `servers.create`; `extra`, a mapping of further
                arguments.

        Returns:
            The future of the server. With `min_count` or `max_count` above 1 the result is the
            list of all servers.

        Raises:
            InvalidArgument: an image, flavor or network is unknown, the default is ambiguous, or
                this machine cannot try the condition.

        Example:
            >>> vm = os_servers.create_async("web", flavor="m1.small").result()
            >>> vm.status
            'ACTIVE'
        """
        network, ready = arguments.pop("network", None), arguments.pop("ready", None)
        further = client_arguments(arguments)
        chosen, size = self.choose(image, flavor, further)
        if network is not None and "nics" in further:
            raise InvalidArgument(f"give network={network!r} or nics, not both")
        if "nics" not in further:
            further["nics"] = self.defaults.nics(network)
        future: OperationFuture[Any, Any] = self.cloud.nova.servers.create_async_r(
            self._name(name),
            chosen,
            size,
            ready=ready,
            **self._limits(arguments),
            **further,
        )
        return self._own(SERVER, future)

    def choose(self, image: Any, flavor: Any, arguments: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the image and the flavor of a server with these arguments.

        Raises:
            InvalidArgument: an image or a flavor is unknown.
        """
        from_volume = _boots_from_volume(arguments)
        chosen = None if image is None and from_volume else self.defaults.image(image, flavor)
        return chosen, self.defaults.flavor(flavor, chosen, from_volume)


def _boots_from_volume(arguments: Mapping[str, Any]) -> bool:
    """Return True if the arguments of a server name a volume as its first disk."""
    mappings = arguments.get("block_device_mapping_v2") or ()
    first = any(str(each.get("boot_index")) == "0" for each in mappings)
    return first or bool(arguments.get("block_device_mapping"))


class Attachments(Factory):
    """The factory of attachments of volumes to servers: the fixture `os_attachments`, ..."""

    def create_async(
        self, server: Reference, volume: Reference, **arguments: Unpack[FactoryArguments]
    ) -> OperationFuture[VolumeAttachment]:
        """Attach a volume to a server in the background, with retries, and return the future.

        Args:
            server: id or object of the server.
            volume: id or object of the volume.
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`.

        Returns:
            The future of the attachment; the volume is `in-use` when the future is done.

        Example:
            >>> vm, disk = os_servers.create_async().result(), os_volumes.create_async().result()
            >>> os_attachments.create_async(vm, disk).result().volumeId == disk.id
            True
        """
        future = self.cloud.nova.volumes.create_server_volume_async_r(
            to_id(server, "server"),
            to_id(volume, "volume"),
            **self._limits(arguments),
            **client_arguments(arguments),
        )
        return self._own(ATTACHMENT, future)


class Keypairs(Factory):
    """The factory of keypairs: the fixtures `os_keypairs`, `os_keypairs_class`, ..."""

    def create(self, name: str | None = None, public_key: str | None = None) -> Keypair:
        """Create a keypair, which is there at once, and return it.

        Keypairs have no metadata, so the stamp of the run is the beginning of their name.

        Args:
            name: end of the keypair's name.
            public_key: public key in OpenSSH's format (default: that of a new Ed25519 key).

        Returns:
            novaclient's object; after the creation of a new key with its `private_key` and the
            path of a file with it, `private_key_file`, for `ssh -i`. Only this user can read the
            file, which is deleted with the keypair.

        Raises:
            InvalidArgument: the file cannot be written.

        Example:
            >>> key = os_keypairs.create("laptop")
            >>> key.private_key_file.read_text().splitlines()[0]
            '-----BEGIN OPENSSH PRIVATE KEY-----'
        """
        private = None
        if public_key is None:
            public_key, private = _new_key()
        scope = self.scope
        assert isinstance(scope, Scope)
        expires = int(
            self.cloud.api_client.cloud_time.time(SystemClock()) + scope.run_session.expiry
        )
        stamp = Stamp(self.cloud.run, new_id(), expires)
        full = stamp.name(name)
        record = scope.run_session.ledger.record(stamp)
        record.intended(KEYPAIR.name, full)
        keys = scope.run_session.keys
        file = None if private is None else keys.write(full, stamp.operation, private)
        scope.own_keypair(StampedResource(KEYPAIR, full, stamp, full))
        keypair = self.cloud.nova.keypairs.create(full, public_key)
        record.bound(full)
        if private is not None and file is not None:
            keypair.private_key, keypair.private_key_file = private, file
        return keypair


def _new_key() -> tuple[str, str]:
    """Return a new key: the public and the private half in OpenSSH's format."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return key.public_key().public_bytes(*openssh).decode(), private.decode()
