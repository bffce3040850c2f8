"""Scopes: factories create resources for them, and they delete the resources at their end.

Nothing here knows pytest. Each name is loaded at the first use: an unused plugin loads nothing of
OpenStack. The factories have a door of their own, `factories/`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_osfutures.scopes.defaults import Defaults
    from pytest_osfutures.scopes.lookup import FLAVOR
    from pytest_osfutures.scopes.older_runs import OlderRuns, counted
    from pytest_osfutures.scopes.progress import progress_messages
    from pytest_osfutures.scopes.run import Run
    from pytest_osfutures.scopes.scope import Scope, creation_failed, merged
    from pytest_osfutures.scopes.settings import TEARDOWN_SECONDS, RunSettings
    from pytest_osfutures.scopes.shared import SharedScope
    from pytest_osfutures.scopes.signals import handle_signals, restore_signals

_MODULES = {
    "defaults": ("Defaults",),
    "lookup": ("FLAVOR",),
    "older_runs": ("OlderRuns", "counted"),
    "progress": ("progress_messages",),
    "run": ("Run",),
    "scope": ("Scope", "creation_failed", "merged"),
    "settings": ("TEARDOWN_SECONDS", "RunSettings"),
    "shared": ("SharedScope",),
    "signals": ("handle_signals", "restore_signals"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "FLAVOR",
    "TEARDOWN_SECONDS",
    "Defaults",
    "OlderRuns",
    "Run",
    "RunSettings",
    "Scope",
    "SharedScope",
    "counted",
    "creation_failed",
    "handle_signals",
    "merged",
    "progress_messages",
    "restore_signals",
]


if not TYPE_CHECKING:  # or else mypy would accept any name, with the type Any

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
