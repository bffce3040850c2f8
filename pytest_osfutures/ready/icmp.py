"""Echo requests (ping) without root, where the system allows that.

Linux allows datagram sockets for ICMP to the groups of `net.ipv4.ping_group_range`
(https://man7.org/linux/man-pages/man7/icmp.7.html), raw sockets to processes with CAP_NET_RAW, and
the command `ping` brings that right along.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from functools import cache
from ipaddress import ip_address

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Family, protocol, and the types of request and reply, by IP version.
#: https://www.rfc-editor.org/rfc/rfc792 and https://www.rfc-editor.org/rfc/rfc4443
_ECHO = {
    4: (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0),
    6: (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129),
}


@cache
def means(version: int) -> str:
    """Return how this process can ping: `SOCK_DGRAM`, `SOCK_RAW` or `ping`.

    Raises:
        InvalidArgument: No way is open to this process.
    """
    family, protocol, _, _ = _ECHO[version]
    for name in ("SOCK_DGRAM", "SOCK_RAW"):
        try:
            socket.socket(family, getattr(socket, name), protocol).close()
        except OSError:
            continue
        return name
    if shutil.which("ping"):
        return "ping"
    raise InvalidArgument(
        "ping() is not possible here: the system allows no ICMP sockets to this process "
        "(net.ipv4.ping_group_range) and has no command `ping`; use tcp(22)"
    )


async def ping(ip: str) -> bool:
    """Send one echo request and wait for the reply; return False if the command has none."""
    version = ip_address(ip).version
    way = means(version)
    if way == "ping":
        return await _command(ip)
    family, protocol, request, reply = _ECHO[version]
    payload = os.urandom(16)
    with socket.socket(family, getattr(socket, way), protocol) as plain:
        plain.setblocking(False)
        loop = asyncio.get_running_loop()
        plain.connect((ip, 0))  # sets the address only
        await loop.sock_sendall(plain, _packet(request, payload))
        while True:
            packet = await loop.sock_recv(plain, 2048)
            if way == "SOCK_RAW" and version == 4:  # with the header of IP
                packet = packet[4 * (packet[0] & 15) :]
            if packet[:1] == bytes([reply]) and packet[8:] == payload:
                return True


def _packet(kind: int, payload: bytes) -> bytes:
    """Return an echo request; the random payload tells its reply from others."""
    head = bytes([kind, 0, 0, 0]) + os.urandom(2) + bytes([0, 1])
    total = sum(int.from_bytes((head + payload)[at : at + 2], "big") for at in range(0, 24, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head[:2] + (~total & 0xFFFF).to_bytes(2, "big") + head[4:] + payload


async def _command(ip: str) -> bool:
    quiet = asyncio.subprocess.DEVNULL
    words = ("ping", "-n", "-c", "1", "-W", "3", ip)
    process = await asyncio.create_subprocess_exec(*words, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        return await process.wait() == 0
    except asyncio.CancelledError:
        process.kill()
        raise
