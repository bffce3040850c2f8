"""Factories: they create resources in the background and own them until their scope ends.

Each module lists its factories, and the protocols of resources that no client library has, in its
`__all__`; there is no other list. The fixtures and `osf.Servers`, `osf.Volumes`, ... come through
this door, which imports the modules when a name is used first, so that an unused plugin loads
nothing of OpenStack.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_osfutures.scopes.factories.block_storage import *  # noqa: F403
    from pytest_osfutures.scopes.factories.compute import *  # noqa: F403
    from pytest_osfutures.scopes.factories.image import *  # noqa: F403
    from pytest_osfutures.scopes.factories.network import *  # noqa: F403
    from pytest_osfutures.scopes.factories.routing import *  # noqa: F403
    from pytest_osfutures.scopes.factories.security import *  # noqa: F403
    from pytest_osfutures.scopes.factories.shared import *  # noqa: F403

#: The modules with factories; `base` and `neutron` have what several of them need.
MODULES = ("compute", "block_storage", "image", "network", "routing", "security", "shared")


if not TYPE_CHECKING:  # or else mypy would accept any name, with the type Any

    def __getattr__(name: str) -> Any:
        for module in map(importlib.import_module, (f"{__name__}.{each}" for each in MODULES)):
            if name in module.__all__:
                return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    modules = (importlib.import_module(f"{__name__}.{each}") for each in MODULES)
    return sorted(name for module in modules for name in module.__all__)
