"""Arguments that all twins and all factories take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, TypeVar
from uuid import UUID

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.ready import Ready

T = TypeVar("T")


class HasId(Protocol):
    """An object of any client library that has an id."""

    @property
    def id(self) -> object:
        """Id of the resource."""


#: A resource as an argument: its id, its name where the API takes names, or an object with an id.
Reference = str | UUID | HasId | Mapping[str, Any]


class CallArguments(TypedDict, total=False):
    """Keyword arguments that every `*_async` twin adds to those of the plain method."""

    #: Deadline of the operation in seconds (default: by the kind of operation).
    tout: float | None


class RetryArguments(CallArguments, total=False):
    """Keyword arguments that every `*_async_r` twin adds to those of the plain method."""

    #: Number of tries in all, or a retry policy (default: 3 tries).
    try_count: int | Retry | None


class FactoryArguments(RetryArguments, total=False):
    """Keyword arguments that every factory of the pytest plugin takes."""

    #: Further arguments of the client or attributes of the API that the signature does not have:
    #: `extra={"binding:vnic_type": "direct"}`.
    extra: Mapping[str, Any]


class ReadyArguments(TypedDict, total=False):
    """The keyword argument that twins and factories of servers add."""

    #: The condition under which the server is usable, such as `osf.ready.tcp(22)`.
    ready: Ready | None


class Twin(Protocol[T]):
    """`x_async` of a method `x` that takes no arguments."""

    def __call__(self, *, tout: float | None = None) -> OperationFuture[T]:
        """Start the operation and return its future; `tout` is its deadline in seconds."""


class RetriedTwin(Protocol[T]):
    """`x_async_r` of a method `x` that takes no arguments."""

    def __call__(
        self, *, try_count: int | Retry | None = None, tout: float | None = None
    ) -> OperationFuture[T]:
        """Start the operation in the background, with retries, and return its future."""


class RunTwin(Protocol[T]):
    """`x_async` of a method `x` without arguments after which the server runs."""

    def __call__(
        self, *, tout: float | None = None, ready: Ready | None = None
    ) -> OperationFuture[T]:
        """Start the operation and return its future, which is done when the server is usable."""


class RetriedRunTwin(Protocol[T]):
    """`x_async_r` of a method `x` without arguments after which the server runs."""

    def __call__(
        self,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        ready: Ready | None = None,
    ) -> OperationFuture[T]:
        """Start the operation in the background, with retries, and return its future."""
