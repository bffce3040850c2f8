"""Loopback addresses for the guests of one cloud.

Linux routes all of 127.0.0.0/8 to the machine itself, so that each server can have an address of
its own. A cloud takes a /16 of these: the lower half is the network `private`, then come the
floating addresses of `public`, then addresses for servers that have neither.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import NamedTuple, Self

#: The second bytes of the networks that clouds take: 127.64.0.0/16 and so on.
NUMBERS = range(64, 128)


class GuestsUnavailableError(Exception):
    """The ports of guests cannot be opened on this machine."""


class GuestPorts(NamedTuple):
    """The TCP ports on which guests listen."""

    ssh: int = 22
    http: int = 80

    @classmethod
    def parse(cls, text: str) -> GuestPorts:
        """Return the ports of a text such as `2222:8080`. Raises ValueError.

        Example:
            >>> GuestPorts.parse("2222:8080")
            GuestPorts(ssh=2222, http=8080)
        """
        words = text.split(":")
        numbers = [int(word) for word in words if word.isascii() and word.isdigit()]
        valid = len(words) == len(numbers) == 2 and all(0 < each <= 65535 for each in numbers)
        if not valid or numbers[0] == numbers[1]:
            raise ValueError(
                f"two different ports from 1 to 65535, as in 22:80 (ssh, http), not {text!r:.80}"
            )
        return cls(*numbers)


DEFAULT_PORTS = GuestPorts()


@dataclass
class GuestNetwork:
    """A /16 of 127.0.0.0/8 that this process holds for the guests of one cloud."""

    number: int  #: the second byte of all addresses
    ports: GuestPorts
    markers: list[socket.socket]

    @classmethod
    def reserve(cls, ports: GuestPorts = DEFAULT_PORTS) -> GuestNetwork:
        """Return a network that no other cloud on this machine holds; `close` releases it.

        Raises:
            GuestsUnavailableError: the ports cannot be opened; the text has reason and remedy.
        """
        why: OSError | None = None
        for number in NUMBERS:
            try:
                return cls(number, ports, _markers(f"127.{number}.0.1", ports))
            except OSError as error:
                why = error
                if error.errno != errno.EADDRINUSE:
                    break
        assert why is not None
        raise GuestsUnavailableError(_explained(why, ports)) from None

    @property
    def cidrs(self) -> tuple[str, str]:
        """The address ranges of the networks `private` and `public`."""
        return f"127.{self.number}.0.0/17", f"127.{self.number}.128.0/18"

    def address(self, index: int) -> str:
        """Return the address of a server that has none on loopback; `index` is from 0 to 16383."""
        return str(IPv4Address(f"127.{self.number}.192.0") + index)

    def own(self, addresses: Iterable[str]) -> list[str]:
        """Return those of `addresses` that belong to this network."""
        net = ip_network(f"127.{self.number}.0.0/16")
        return [each for each in addresses if ip_address(each) in net]

    def close(self) -> None:
        """Release the network for other clouds."""
        for marker in self.markers:
            marker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _markers(address: str, ports: GuestPorts) -> list[socket.socket]:
    """Bind the ports of a network's gateway, where no guest listens. Raises OSError."""
    markers: list[socket.socket] = []
    try:
        for port in ports:
            markers.append(socket.socket())
            markers[-1].bind((address, port))  # without SO_REUSEADDR: nobody else can bind it
    except OSError:
        for marker in markers:
            marker.close()
        raise
    return markers


def _explained(error: OSError, ports: GuestPorts) -> str:
    shown = f"ports {ports.ssh} and {ports.http}"
    other = "give other ports, as in --guests 2222:8080"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not open the {shown} of guests; {other}"
    if error.errno == errno.EADDRINUSE:
        return f"another program uses the {shown} of guests on all addresses; {other}"
    if error.errno == errno.EADDRNOTAVAIL:
        return "guests need Linux, which routes all of 127.0.0.0/8 to the machine itself"
    return f"the {shown} of guests cannot be opened: {os.strerror(error.errno or 0)}"
