"""The API of one service: a keystoneauth1 Adapter with twins, whose results are resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.protocols.arguments import T

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response
else:
    Adapter = object  # keystoneauth1 is loaded with the first client


class Resource(dict[str, Any]):
    """A resource as its API shows it: a dict whose keys are attributes, too.

    Example:
        >>> port = Resource({"id": "4711", "binding:host_id": "compute1"})
        >>> port.id
        '4711'
        >>> port["binding:host_id"]
        'compute1'
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the resource has no {name!r}; it has {', '.join(self)}"
            ) from None


class ApiTwin(Protocol[T]):
    """`x_async(url)` of an Adapter's method `x`."""

    def __call__(
        self, url: str, *, tout: float | None = None, **request: Any
    ) -> OperationFuture[T, Response]:
        """Send the request; `request` has the arguments of the Adapter's method, as `json`."""


class RetriedApiTwin(Protocol[T]):
    """`x_async_r(url)` of an Adapter's method `x`."""

    def __call__(
        self,
        url: str,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **request: Any,
    ) -> OperationFuture[T, Response]:
        """Send the request in the background, with retries, and return its future."""


class Api(Adapter):
    """The API of one service: a keystoneauth1 Adapter with twins.

    The result of a twin is the resource as the API shows it. A request that was done when it was
    answered, without a resource to follow, has the response as its result.
    """

    if TYPE_CHECKING:
        get_async: ApiTwin[Resource]
        get_async_r: RetriedApiTwin[Resource]
        post_async: ApiTwin[Resource]
        post_async_r: RetriedApiTwin[Resource]
        put_async: ApiTwin[Resource]
        put_async_r: RetriedApiTwin[Resource]
        patch_async: ApiTwin[Resource]
        patch_async_r: RetriedApiTwin[Resource]
        delete_async: ApiTwin[None]
        delete_async_r: RetriedApiTwin[None]
