"""Futures for the background operations of OpenStack.

    import pytest_osfutures as osf

    cloud = osf.connect("devstack")
    vm = cloud.nova.servers.create_async_r("web", image, flavor, tout=300).result()

Importing this imports nothing of OpenStack: each name is loaded when it is used first.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# `as` tells type checkers that the name is public here, too. isort would give it a line of its own.
# isort: off
if TYPE_CHECKING:
    from pytest_osfutures import ready as ready
    from pytest_osfutures.clients import futurize as futurize
    from pytest_osfutures.clients import until as until
    from pytest_osfutures.cloud import (
        Cloud as Cloud,
        connect as connect,
    )
    from pytest_osfutures.engine import Engine as Engine
    from pytest_osfutures.errors import (
        AccessDeniedError as AccessDeniedError,
        AmbiguousRequest as AmbiguousRequest,
        Attempt as Attempt,
        CleanupError as CleanupError,
        CloudUnreachableError as CloudUnreachableError,
        CriteriaError as CriteriaError,
        EngineError as EngineError,
        Event as Event,
        InvalidArgument as InvalidArgument,
        NotReady as NotReady,
        ObjectCreationError as ObjectCreationError,
        OperationDetails as OperationDetails,
        OperationError as OperationError,
        OperationFailed as OperationFailed,
        OperationTimeout as OperationTimeout,
        OSFuturesError as OSFuturesError,
        QuotaExceeded as QuotaExceeded,
        Readiness as Readiness,
        ResourceVanished as ResourceVanished,
        RetryWarning as RetryWarning,
        ServerLimitReached as ServerLimitReached,
        StatusSample as StatusSample,
        UnknownOperation as UnknownOperation,
        UnusableAnswerError as UnusableAnswerError,
        UnwatchedWarning as UnwatchedWarning,
    )
    from pytest_osfutures.futures import (
        ALL_COMPLETED as ALL_COMPLETED,
        FIRST_COMPLETED as FIRST_COMPLETED,
        FIRST_EXCEPTION as FIRST_EXCEPTION,
        OperationFuture as OperationFuture,
        as_completed as as_completed,
        gather as gather,
        wait as wait,
    )
    from pytest_osfutures.scopes.factories import *  # noqa: F403
    from pytest_osfutures.scopes.resource_scope import (
        ResourceScope as ResourceScope,
        scope as scope,
    )
    from pytest_osfutures.load import (
        Criterion as Criterion,
        Load as Load,
        Measurement as Measurement,
        OperationMeasurement as OperationMeasurement,
        Sample as Sample,
        measure as measure,
    )
    from pytest_osfutures.policy import (
        Poll as Poll,
        Retry as Retry,
    )
    from pytest_osfutures.protocols import (
        Api as Api,
        Backup as Backup,
        Cinder as Cinder,
        Flavor as Flavor,
        Image as Image,
        Keypair as Keypair,
        Nova as Nova,
        Resource as Resource,
        Sdk as Sdk,
        Server as Server,
        Snapshot as Snapshot,
        Volume as Volume,
        VolumeAttachment as VolumeAttachment,
    )

# isort: on

#: The public names by the modules that have them, for imports at the first use; type checkers go by
#: the imports above. The names of factories and of their resources are those of `_FACTORIES`.
_PLACES = {
    "clients": ("futurize", "until"),
    "cloud": ("Cloud", "connect"),
    "engine": ("Engine",),
    "errors": (
        "AccessDeniedError",
        "AmbiguousRequest",
        "Attempt",
        "CleanupError",
        "CloudUnreachableError",
        "CriteriaError",
        "EngineError",
        "Event",
        "InvalidArgument",
        "NotReady",
        "OSFuturesError",
        "ObjectCreationError",
        "OperationDetails",
        "OperationError",
        "OperationFailed",
        "OperationTimeout",
        "QuotaExceeded",
        "Readiness",
        "ResourceVanished",
        "RetryWarning",
        "StatusSample",
        "ServerLimitReached",
        "UnknownOperation",
        "UnusableAnswerError",
        "UnwatchedWarning",
    ),
    "futures": (
        "ALL_COMPLETED",
        "FIRST_COMPLETED",
        "FIRST_EXCEPTION",
        "OperationFuture",
        "as_completed",
        "gather",
        "wait",
    ),
    "load": ("Criterion", "Load", "Measurement", "OperationMeasurement", "Sample", "measure"),
    "policy": ("Poll", "Retry"),
    "": ("ready",),
    "protocols": (
        "Api",
        "Backup",
        "Cinder",
        "Flavor",
        "Image",
        "Keypair",
        "Nova",
        "Resource",
        "Sdk",
        "Server",
        "Snapshot",
        "Volume",
        "VolumeAttachment",
    ),
    "scopes.resource_scope": ("ResourceScope", "scope"),
}
_HOME = {name: module for module, names in _PLACES.items() for name in names}
_FACTORIES = f"{__name__}.scopes.factories"


__version__: str

if not TYPE_CHECKING:  # or else mypy would accept any name, with the type Any

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib import metadata  # costs more than all the rest of this module

            return metadata.version("pytest-osfutures")
        if name == "ready":
            return importlib.import_module(f"{__name__}.ready")
        if name in _HOME:
            return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        if name[:1].isupper():  # not a module of this package, for which imports ask here, too
            factories = importlib.import_module(_FACTORIES)
            if name in dir(factories):
                return getattr(factories, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *dir(importlib.import_module(_FACTORIES))})
