"""The choice of a server's address: a pure function of the server as Nova shows it.

As with tempest's `connect_method`, a floating address comes before a fixed one, and IPv4 before
IPv6: https://docs.openstack.org/tempest/latest/configuration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal, TypedDict, get_args

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.jump import Jump

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The kinds of addresses of a server, as Nova names them.
Kind = Literal["floating", "fixed"]


class ReachArguments(TypedDict, total=False):
    """Keyword arguments of all conditions that connect to a server."""

    #: `floating`, `fixed`, or an IP address (default: floating where there is one, else fixed).
    address: str | None
    #: 4 or 6 (default: IPv4 where there is an address of that kind, else IPv6).
    ip_version: int | None
    #: Name of the network whose address is used (default: any).
    network: str | None
    #: A host from which the server is reached: `user@host`, `user@host:port` or `osf.ready.jump()`.
    via: str | Jump | None


@dataclass(frozen=True)
class Address:
    """One address of a server."""

    ip: str
    kind: str
    network: str = ""

    def __str__(self) -> str:
        return f"{self.ip} ({self.kind} address{f' in {self.network}' if self.network else ''})"


@dataclass(frozen=True)
class Reach:
    """Which address of a server is used, and from which host."""

    kind: str | None = None
    ip: str | None = None
    version: int | None = None
    network: str | None = None
    via: Jump | None = None

    @classmethod
    def of(cls, arguments: ReachArguments) -> Reach:
        """Return the checked arguments. Raises InvalidArgument."""
        if unexpected := arguments.keys() - ReachArguments.__annotations__.keys():
            raise TypeError(f"unexpected keyword argument {min(unexpected)!r}")
        address, version = arguments.get("address"), arguments.get("ip_version")
        network = arguments.get("network")
        if version not in (None, 4, 6) or isinstance(version, bool):
            raise InvalidArgument(f"ip_version={version!r} is neither 4 nor 6")
        if network is not None and not (isinstance(network, str) and network):
            raise InvalidArgument(f"network={network!r} is not the name of a network")
        kind = address if address in get_args(Kind) else None
        ip = None
        if address is not None and kind is None:
            try:
                ip = str(ip_address(address)) if isinstance(address, str) else None
            except ValueError:
                ip = None
            if ip is None:
                raise InvalidArgument(
                    f"address={address!r} is neither 'floating', 'fixed' nor an IP address"
                )
            if version is not None and ip_address(ip).version != version:
                raise InvalidArgument(f"address={address!r} is no IPv{version} address")
        return cls(kind, ip, version, network, Jump.of(arguments.get("via")))

    @property
    def is_known(self) -> bool:
        """True if the address is given, so that the server need not have one."""
        return self.ip is not None

    def choose(self, server: Mapping[str, Any]) -> Address | str:
        """Return the address of a server, or why the server has none that may be used."""
        if self.ip is not None:
            return Address(self.ip, "given")
        found = _addresses(server)
        fit = [
            each
            for each in found
            if self.kind in (None, each.kind)
            and self.version in (None, ip_address(each.ip).version)
            and self.network in (None, each.network)
        ]
        if not fit:
            return self._why_none(found)
        return min(fit, key=lambda each: (each.kind != "floating", ip_address(each.ip).version))

    def _why_none(self, found: Sequence[Address]) -> str:
        version = f"IPv{self.version} " if self.version else ""
        kind = f"{self.kind} " if self.kind else ""
        where = f" in {self.network}" if self.network else ""
        has = f"; it has {', '.join(map(str, found))}" if found else ""
        return f"the server has no {version}{kind}address{where}{has}"


def _addresses(server: Mapping[str, Any]) -> list[Address]:
    """Return the usable addresses of a server in the order in which Nova shows them.

    https://docs.openstack.org/api-ref/compute/#show-server-details
    """
    networks = server.get("addresses")
    found = []
    for network, entries in networks.items() if isinstance(networks, Mapping) else ():
        for entry in entries if isinstance(entries, Sequence) else ():
            try:
                ip = str(ip_address(entry["addr"]))
            except (KeyError, TypeError, ValueError):  # malformed
                continue
            found.append(Address(ip, str(entry.get("OS-EXT-IPS:type") or "fixed"), network))
    return found
