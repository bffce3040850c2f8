"""Jump hosts: ssh servers from which servers are reached that have no address for us."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.keys import PrivateKey, asyncssh

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_TEXT = re.compile(
    r"(?P<user>[^@\s:]+)@(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^@\s:\[\]]+)(:(?P<port>\d+))?"
)


@dataclass(frozen=True)
class Jump:
    """A jump host, and how to log in there."""

    host: str
    user: str
    port: int = 22
    #: None for the keys that OpenSSH would use: those of the agent and of `~/.ssh`.
    key: PrivateKey | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")

    @classmethod
    def of(cls, via: object) -> Jump | None:
        """Return the jump host of an argument `via`. Raises InvalidArgument."""
        if via is None or isinstance(via, Jump):
            return via
        found = _TEXT.fullmatch(via) if isinstance(via, str) else None
        if found is None:
            raise InvalidArgument(
                f"via={via!r} is no jump host; accepted are 'user@host', 'user@host:port' and "
                "osf.ready.jump(host, user, key)"
            )
        return jump(found["host"].strip("[]"), found["user"], port=int(found["port"] or 22))


def jump(host: str, user: str, key: Any = None, *, port: int = 22) -> Jump:
    """Describe a jump host, for the argument `via` of other conditions.

    Args:
        host: Name or address of the host.
        user: The user who logs in there.
        key: Path or text of the private key, or a keypair (default: the keys of the ssh agent and
            of `~/.ssh`, as of the command `ssh`).
        port: Port of the ssh server.

    Raises:
        InvalidArgument: An argument cannot be used, or the extra `ssh` is not installed.

    Example:
        >>> import pytest_osfutures as osf
        >>> via = osf.ready.jump("bastion.example.org", "ops")
        >>> osf.ready.tcp(22, address="fixed", via=via)
        tcp(22, address='fixed', via='ops@bastion.example.org')
    """
    asyncssh()
    host = check_word("host", host, "the name or address of a host")
    user = check_user(user)
    return Jump(host, user, check_port(port), None if key is None else PrivateKey.of(key))


def check_port(port: object) -> int:
    """Return a TCP port. Raises InvalidArgument."""
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise InvalidArgument(f"port={port!r} is not a whole number from 1 to 65535")
    return port


def check_user(user: object) -> str:
    """Return the name of a user. Raises InvalidArgument."""
    return check_word("user", user, "the name of a user of the guest, like 'cirros'")


def check_word(name: str, value: object, what: str) -> str:
    """Return a text without spaces. Raises InvalidArgument."""
    if not isinstance(value, str) or not value or re.search(r"[\s\x00]", value):
        raise InvalidArgument(f"{name}={value!r} is not {what}")
    return value
