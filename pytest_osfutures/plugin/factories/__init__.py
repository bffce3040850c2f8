"""Factories: they create resources in the background and own them until their scope ends.

This list is the only one: the fixtures and `osf.Servers`, `osf.Volumes`, ... refer to it. A factory
is imported when it is used first, so that an unused plugin loads nothing of OpenStack.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_osfutures.plugin.factories.block_storage import Backups, Snapshots, Volumes
    from pytest_osfutures.plugin.factories.compute import Keypairs, Servers
    from pytest_osfutures.plugin.factories.image import Images
    from pytest_osfutures.plugin.factories.network import (
        FloatingIps,
        Networks,
        Ports,
        Routers,
        SecurityGroups,
        Subnets,
    )
    from pytest_osfutures.plugin.factories.shared import (
        SharedImages,
        SharedServers,
        SharedSnapshots,
        SharedVolumes,
    )

_MODULES = {
    "block_storage": ("Backups", "Snapshots", "Volumes"),
    "compute": ("Keypairs", "Servers"),
    "image": ("Images",),
    "network": ("FloatingIps", "Networks", "Ports", "Routers", "SecurityGroups", "Subnets"),
    "shared": ("SharedImages", "SharedServers", "SharedSnapshots", "SharedVolumes"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
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
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
