"""keystoneauth1: twins on an Adapter of any service (`network.post_async("/ports", json=...)`).

An Adapter: https://docs.openstack.org/keystoneauth/latest/using-sessions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pytest_osfutures.calls import ClientContext
from pytest_osfutures.clients.managers import HANDLE, Bind
from pytest_osfutures.clients.twin import twinned
from pytest_osfutures.operations import Body, ResourceType
from pytest_osfutures.protocols import Resource
from pytest_osfutures.transport import error_message

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_VERSION = re.compile(r"/v\d+(\.\d+)?(?=/|\Z)")
#: An endpoint with a version.
_VERSIONED = re.compile(rf"(?P<root>\w+://[^/]+.*?){_VERSION.pattern}")


@cache
def _service_adapter() -> type[Any]:
    """Return the class of `service_adapter`; keystoneauth1 is loaded when it is used."""
    from keystoneauth1.adapter import Adapter

    class ServiceAdapter(Adapter):
        """An Adapter whose endpoint has the version, and whose paths may have one, too."""

        __module__ = Adapter.__module__  # `with_twins` knows a client by its library

        def request(self, url: str, method: str, **more: Any) -> Any:
            versioned = _VERSIONED.match(self.endpoint_override or "")
            if versioned and _VERSION.match(url):
                url = versioned["root"] + url
            return super().request(url, method, **more)

    return ServiceAdapter


def service_adapter(session: Any, endpoint: str, settings: Mapping[str, Any]) -> Any:
    """Return a keystoneauth1 Adapter of one service.

    Args:
        session: A keystoneauth1 session.
        endpoint: The endpoint of the service, with its version. A path that begins with a version
            itself is below the service's root.
        settings: Further arguments of the Adapter.
    """
    return _service_adapter()(session, endpoint_override=endpoint, **settings)


def put_twins(adapter: Any, bind: Bind) -> None:
    """Put the twins on `adapter`, a keystoneauth1 Adapter of one service."""
    if hasattr(adapter, HANDLE):
        return
    setattr(adapter, HANDLE, bind(adapter, adapter.service_type, _to_client_object))
    plain = type(adapter)
    adapter.__class__ = twinned(plain, context_of, {"request": _in_clear(plain)})


def context_of(adapter: Any) -> ClientContext:
    """Return the context that the adapter's twins share."""
    context: ClientContext = getattr(adapter, HANDLE)
    return context


def _to_client_object(kind: ResourceType, body: Body, plain: Any) -> Resource:
    del kind, plain
    return Resource(body)


def _in_clear(plain: type[Any]) -> Callable[..., Any]:
    """Return a `request` method whose errors have the text of the cloud, for every service.

    keystoneauth1 itself finds that text in the answers of some services only.
    """

    def request(self: Any, url: str, method: str, **more: Any) -> Any:
        from keystoneauth1.exceptions import HttpError

        try:
            return plain.request(self, url, method, **more)
        except HttpError as error:
            if error.response is None or (said := error_message(error.response)) in str(error):
                raise
            raise type(error)(
                said,
                response=error.response,
                request_id=error.request_id,
                url=error.url,
                method=error.method,
                http_status=error.http_status,
            ) from None

    return request
