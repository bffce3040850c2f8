"""Recognition of a request: the service, and the operation of the tables that it starts."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.operations import Operation, Variables
from pytest_osfutures.transport import Exchange, ResolvedUrl

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(frozen=True, slots=True)
class Recognised:
    """The URL and the operation of a request."""

    url: ResolvedUrl
    #: The operation that the request starts once it is accepted, and the variables in its path;
    #: None if the tables have no row for the request.
    operation: tuple[Operation, Variables] | None


def recognise(context: ClientContext, exchange: Exchange) -> Recognised:
    """Return the URL and the operation of a request; the exchange keeps them from then on."""
    found = exchange.recognised
    if not isinstance(found, Recognised):
        url = context.api_client.resolve_url(exchange.url, context.service)
        operation = context.table.find(url.service, exchange.method, url.path, exchange.request)
        found = exchange.recognised = Recognised(url, operation)
    return found
