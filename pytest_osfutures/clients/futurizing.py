"""`futurize`: twins on the objects of a client library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from pytest_osfutures.calls import CallLedger, ClientContext, ClientSettings, ToClientObject
from pytest_osfutures.clients import adapter as adapters
from pytest_osfutures.clients import cinderclient, novaclient, openstacksdk
from pytest_osfutures.engine import Engine
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import Observer
from pytest_osfutures.policy import Poll, Retry, Unknown
from pytest_osfutures.transport import ApiClient

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

C = TypeVar("C")
#: Puts the twins on a client; the function makes the context of each of the client's adapters.
_PUT_TWINS: dict[str, Callable[[Any, Any], None]] = {
    "novaclient": novaclient.put_twins,
    "cinderclient": cinderclient.put_twins,
    "openstack": openstacksdk.put_twins,
    "keystoneauth1": adapters.put_twins,
}


class Adapter(Protocol):
    """The attributes of `keystoneauth1.adapter.Adapter` that a context needs."""

    session: Any
    auth: Any
    interface: str | None
    region_name: str | None


class ClientOptions(TypedDict, total=False):
    """The options of `futurize`, which describes them; None stands for the default."""

    engine: Engine | None
    poll: Poll | None
    retry: Retry | None
    run: str | None
    stamp: bool
    background: bool
    expiry: float | None
    unknown: Unknown
    ledger: CallLedger | None
    observer: Observer | None
    api_client: ApiClient | None


def futurize(client: C, **options: Unpack[ClientOptions]) -> C:
    """Put the twins `x_async` and `x_async_r` on your client, and return the same object.

    Args:
        client: A novaclient or cinderclient `Client`, an openstacksdk `Connection`, or a
            keystoneauth1 `Adapter`, whose results are the resources as their API shows them.
        engine: The engine that watches the operations (default: the process's own).
        poll: An `osf.Poll`, how often the engine reads (default: `osf.Poll()`).
        retry: An `osf.Retry`, how `x_async_r` tries again (default: 3 tries).
        run: The run id in the stamps of created resources (default: one for each process).
        stamp: True if `x_async` stamps the resources that it creates; `x_async_r` always does.
        background: True if `x_async` returns before the cloud answers. Requests then leave as
            quickly as the API takes them, `sync_res` waits for the answer, and an error of the call
            goes into the future.
        expiry: Seconds until the stamps expire (default: 6 hours).
        unknown: For operations that cannot be followed: "warn" (an `osf.UnknownOperation` warning,
            and the future is done) or "error" (`osf.UnknownOperation` is the future's error).
        ledger: The ledger that lists all stamped resources (default: none).
        observer: Receives each call and each wait for its future (default: none).
        api_client: The way to the cloud's APIs (default: the client's own session).

    Returns:
        The client itself. Other clients of the same library stay without twins.

    Raises:
        InvalidArgument: The client is of another library, or does not send through a
            keystoneauth1 session; or `unknown` is another word.

    Example:
        >>> import pytest_osfutures as osf
        >>> from novaclient import client
        >>> from pytest_osfutures.fakecloud import FakeCloud
        >>> from pytest_osfutures.fakecloud.shells.inprocess import session
        >>> nova = client.Client("2.90", session=session(FakeCloud()))
        >>> osf.futurize(nova) is nova
        True
        >>> nova.servers.stop_async.__name__
        'stop_async'
    """
    if unexpected := options.keys() - ClientOptions.__annotations__.keys():
        raise TypeError(f"futurize() got an unexpected keyword argument {min(unexpected)!r}")
    given: dict[str, Any] = {name: each for name, each in options.items() if each is not None}
    return with_twins(client, ClientSettings(**given))


def with_twins(client: C, settings: ClientSettings) -> C:
    """Put the twins on a client, as `futurize` does, and return the same object.

    Raises:
        InvalidArgument: The client is of another library, or does not send through a
            keystoneauth1 session.
    """
    library = type(client).__module__.partition(".")[0]
    put_twins = _PUT_TWINS.get(library)
    if put_twins is None:
        raise InvalidArgument(
            f"cannot futurize {type(client).__module__}.{type(client).__qualname__}; "
            "accepted: a novaclient or cinderclient Client, an openstacksdk Connection, "
            "a keystoneauth1 Adapter"
        )
    put_twins(client, partial(_context, library, settings))
    return client


def _context(
    library: str,
    settings: ClientSettings,
    adapter: Adapter,
    service: str,
    to_client_object: ToClientObject,
) -> ClientContext:
    """Return the context of the twins on one adapter of a client."""
    if not hasattr(getattr(adapter, "session", None), "session"):
        raise InvalidArgument(
            f"this {library} Client has no keystoneauth1 session; make it with session=..."
        )
    api_client = settings.api_client or ApiClient(
        adapter.session, adapter.auth, adapter.interface, adapter.region_name, settings.poll
    )
    both: dict[str, Any] = {**vars(settings), "api_client": api_client}
    return ClientContext(service=service, to_client_object=to_client_object, **both)
