"""Puts the twins on the objects of real client libraries: `futurize`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pytest_osfutures.calls import ClientContext, Ledger, ToClientObject
from pytest_osfutures.engine import Engine, default
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.operations import ACTION, TABLE
from pytest_osfutures.policy import Poll, Retry, one_of
from pytest_osfutures.stamp import new_id
from pytest_osfutures.transport import ApiClient

C = TypeVar("C")
#: What makes this process's creations recognisable, where no run says otherwise.
PROCESS_RUN = new_id()


class Adapter(Protocol):
    """The part of `keystoneauth1.adapter.Adapter` that is needed here."""

    session: Any
    auth: Any
    interface: str | None
    region_name: str | None


def futurize(
    client: C,
    *,
    engine: Engine | None = None,
    poll: Poll | None = None,
    retry: Retry | None = None,
    run: str | None = None,
    stamp: bool = False,
    background: bool = False,
    expiry: float | None = None,
    unknown: str = "warn",
    ledger: Ledger | None = None,
    api_client: ApiClient | None = None,
) -> C:
    """Put the twins `x_async` and `x_async_r` on your client, and return the same object.

    Takes a novaclient or cinderclient `Client`, an openstacksdk `Connection`, or a keystoneauth1
    `Adapter`, whose results are the resources as their API shows them. `engine` is the
    one that watches (default: the process's own), `poll` how often it looks, `retry` how
    `x_async_r` tries again. What `x_async_r` creates carries a stamp with the name `run`, which
    expires after `expiry` seconds (default: 6 hours), and so does what `x_async` creates with
    `stamp=True`; `ledger` takes note of all of it. With `background=True` `x_async` does not wait
    for the cloud's answer: requests leave as quickly as the API takes them, `sync_res` waits for
    the answer, and an error of the call is in the future. `api_client` sends the
    requests, if it is another than the client's own.

    `unknown` says what becomes of work that cannot be followed: "warn" gives an
    `osf.UnknownOperation` warning and a future that is done, "error" makes it the future's error.

    Raises InvalidArgument for anything else, and for a client that does not send through a
    keystoneauth1 session.
    """
    one_of("unknown", unknown, ("warn", "error"))
    from pytest_osfutures.clients import adapter as adapters
    from pytest_osfutures.clients import cinderclient, novaclient, openstacksdk

    library = type(client).__module__.partition(".")[0]
    put = {
        "novaclient": novaclient.put_twins,
        "cinderclient": cinderclient.put_twins,
        "openstack": openstacksdk.put_twins,
        "keystoneauth1": adapters.put_twins,
    }.get(library)
    if put is None:
        raise InvalidArgument(
            f"cannot futurize {type(client).__module__}.{type(client).__qualname__}; "
            "accepted: a novaclient or cinderclient Client, an openstacksdk Connection, "
            "a keystoneauth1 Adapter"
        )

    def bind(adapter: Adapter, service: str, to_client_object: ToClientObject) -> ClientContext:
        if not hasattr(getattr(adapter, "session", None), "session"):
            raise InvalidArgument(
                f"this {library} Client has no keystoneauth1 session; make it with session=..."
            )
        own = (adapter.session, adapter.auth, adapter.interface, adapter.region_name)
        return ClientContext(
            engine or default(),
            api_client or ApiClient(*own, poll or Poll()),
            TABLE,
            ACTION,
            service,
            to_client_object,
            run or PROCESS_RUN,
            retry or Retry(),
            stamps=stamp,
            background=background,
            unknown=unknown,
            ledger=ledger,
            **({} if expiry is None else {"expiry": expiry}),
        )

    put(client, bind)
    return client
