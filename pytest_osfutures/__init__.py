"""Futures for the background operations of OpenStack.

    import pytest_osfutures as osf

    cloud = osf.connect("devstack")
    vm = cloud.nova.servers.create_async_r("web", image, flavor, tout=300).result()

Importing this imports nothing of OpenStack: each name is loaded when it is used first.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_osfutures.clients import futurize
    from pytest_osfutures.cloud import Cloud, connect
    from pytest_osfutures.engine import Engine
    from pytest_osfutures.errors import (
        AccessDeniedError,
        AmbiguousRequest,
        Attempt,
        CleanupError,
        CloudUnreachableError,
        EngineError,
        Event,
        InvalidArgument,
        ObjectCreationError,
        OperationDetails,
        OperationError,
        OperationFailed,
        OperationTimeout,
        OSFuturesError,
        QuotaExceeded,
        ResourceVanished,
        ServerLimitReached,
        StatusSample,
        UnknownOperation,
        UnusableAnswerError,
    )
    from pytest_osfutures.future import OperationFuture
    from pytest_osfutures.plugin.factories import (
        Backups,
        FloatingIps,
        Images,
        Keypairs,
        Networks,
        Ports,
        Routers,
        SecurityGroups,
        Servers,
        SharedImages,
        SharedServers,
        SharedSnapshots,
        SharedVolumes,
        Snapshots,
        Subnets,
        Volumes,
    )
    from pytest_osfutures.policy import Poll, Retry
    from pytest_osfutures.protocols import (
        Backup,
        Cinder,
        Flavor,
        FloatingIp,
        Image,
        Keypair,
        Network,
        Nova,
        Port,
        Router,
        SecurityGroup,
        Server,
        Snapshot,
        Subnet,
        Volume,
        VolumeAttachment,
    )
    from pytest_osfutures.waiting import (
        ALL_COMPLETED,
        FIRST_COMPLETED,
        FIRST_EXCEPTION,
        as_completed,
        gather,
        wait,
    )

_PLACES = {
    "clients": ("futurize",),
    "cloud": ("Cloud", "connect"),
    "engine": ("Engine",),
    "errors": (
        "AccessDeniedError",
        "AmbiguousRequest",
        "Attempt",
        "CleanupError",
        "CloudUnreachableError",
        "EngineError",
        "Event",
        "InvalidArgument",
        "OSFuturesError",
        "ObjectCreationError",
        "OperationDetails",
        "OperationError",
        "OperationFailed",
        "OperationTimeout",
        "QuotaExceeded",
        "ResourceVanished",
        "StatusSample",
        "ServerLimitReached",
        "UnknownOperation",
        "UnusableAnswerError",
    ),
    "future": ("OperationFuture",),
    "plugin.factories": (
        "Backups",
        "FloatingIps",
        "Images",
        "Keypairs",
        "Networks",
        "Ports",
        "Routers",
        "SecurityGroups",
        "Servers",
        "SharedImages",
        "SharedServers",
        "SharedSnapshots",
        "SharedVolumes",
        "Snapshots",
        "Subnets",
        "Volumes",
    ),
    "policy": ("Poll", "Retry"),
    "protocols": (
        "Backup",
        "Cinder",
        "Flavor",
        "FloatingIp",
        "Image",
        "Keypair",
        "Network",
        "Nova",
        "Port",
        "Router",
        "SecurityGroup",
        "Server",
        "Snapshot",
        "Subnet",
        "Volume",
        "VolumeAttachment",
    ),
    "waiting": (
        "ALL_COMPLETED",
        "FIRST_COMPLETED",
        "FIRST_EXCEPTION",
        "as_completed",
        "gather",
        "wait",
    ),
}
_HOME = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "AccessDeniedError",
    "AmbiguousRequest",
    "Attempt",
    "Backup",
    "Backups",
    "Cinder",
    "CleanupError",
    "Cloud",
    "CloudUnreachableError",
    "Engine",
    "EngineError",
    "Event",
    "Flavor",
    "FloatingIp",
    "FloatingIps",
    "Image",
    "Images",
    "InvalidArgument",
    "Keypair",
    "Keypairs",
    "Network",
    "Networks",
    "Nova",
    "OSFuturesError",
    "ObjectCreationError",
    "OperationDetails",
    "OperationError",
    "OperationFailed",
    "OperationFuture",
    "OperationTimeout",
    "Poll",
    "Port",
    "Ports",
    "QuotaExceeded",
    "ResourceVanished",
    "Retry",
    "Router",
    "Routers",
    "SecurityGroup",
    "SecurityGroups",
    "Server",
    "ServerLimitReached",
    "Servers",
    "SharedImages",
    "SharedServers",
    "SharedSnapshots",
    "SharedVolumes",
    "Snapshot",
    "Snapshots",
    "StatusSample",
    "Subnet",
    "Subnets",
    "UnknownOperation",
    "UnusableAnswerError",
    "Volume",
    "VolumeAttachment",
    "Volumes",
    "as_completed",
    "connect",
    "futurize",
    "gather",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata  # costs more than all the rest of this module

        return metadata.version("pytest-osfutures")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
