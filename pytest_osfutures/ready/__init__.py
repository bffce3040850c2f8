"""Conditions under which a new server is usable, for `ready=` and `osf.until`.

os_servers.create_async("web", ready=osf.ready.tcp(22))
"""

from pytest_osfutures.ready.addresses import Address, Reach
from pytest_osfutures.ready.conditions import Condition
from pytest_osfutures.ready.jump import Jump, jump
from pytest_osfutures.ready.make import (
    Ready,
    check,
    check_addresses,
    cloud_init,
    condition_of,
    console,
    http,
    ping,
    ssh,
    tcp,
)
from pytest_osfutures.ready.pending import Pending
from pytest_osfutures.ready.wait import READY_TOUT, ReadyWait, Target

__all__ = [
    "READY_TOUT",
    "Address",
    "Condition",
    "Jump",
    "Pending",
    "Reach",
    "Ready",
    "ReadyWait",
    "Target",
    "check",
    "check_addresses",
    "cloud_init",
    "condition_of",
    "console",
    "http",
    "jump",
    "ping",
    "ssh",
    "tcp",
]
