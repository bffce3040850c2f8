"""The twins on the objects of real client libraries."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest
from cinderclient import client as cinder_client
from keystoneauth1.adapter import Adapter
from novaclient import client as nova_client
from openstack.connection import Connection

import pytest_osfutures as osf
from pytest_osfutures.calls import ClientSettings
from pytest_osfutures.clients.twin import twinned
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.stamp import RUN
from pytest_osfutures.transport import ApiClient
from tests.unit.api import Api, answer, answers, session


class Place:
    """A stepped engine, a small OpenStack, and clients on it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = SteppedEngine(self.clock)
        self.api = Api(self.clock)
        self.session = session(self.api)

    def nova(self, **options: Any) -> Any:
        """A futurized novaclient."""
        plain = nova_client.Client("2.90", session=self.session)
        return osf.futurize(plain, engine=self.engine, run="run-7", **options)

    def run(self, future: osf.OperationFuture[Any]) -> Any:
        """Let time pass until the future is done; its result."""
        assert self.engine.run_until(future.done, 1000)
        return future.result()


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_servers_life_through_novaclient(place: Place) -> None:
    nova = place.nova()
    future = nova.servers.create_async("web", "image", "flavor", nics="none", tout=60)
    assert future.sync_res.id == "server-1"
    vm = place.run(future)
    assert (vm.id, vm.status, vm.name) == ("server-1", "ACTIVE", "web")
    assert vm.adminPass == "secret"
    assert type(vm) is type(future.sync_res)
    deleting = vm.delete_async()
    assert deleting.operation == "server.delete"
    assert place.run(deleting) is None
    assert place.api.alive() == []


def test_the_managers_twin_takes_the_arguments_of_the_plain_method(place: Place) -> None:
    nova = place.nova()
    vm = place.run(nova.servers.create_async("web", "image", "flavor", nics="none"))
    by_manager = nova.servers.delete_async(server=vm)
    assert place.run(by_manager) is None
    with pytest.raises(TypeError):
        nova.servers.delete_async()


def test_a_retried_twin_stamps_with_the_run(place: Place) -> None:
    nova = place.nova()
    future = nova.servers.create_async_r("web", "image", "flavor", nics="none", try_count=2)
    place.run(future)
    assert place.api.servers["server-1"]["metadata"][RUN] == "run-7"


def test_an_error_of_the_plain_call_is_the_clients_own(place: Place) -> None:
    from novaclient.exceptions import BadRequest

    nova = place.nova()
    place.api.fault("POST", "/servers", answers(400), answers(400))
    with pytest.raises(BadRequest):
        nova.servers.create_async("web", "image", "flavor", nics="none")
    future = nova.servers.create_async_r("web", "image", "flavor", nics="none")
    with pytest.raises(BadRequest):
        place.run(future)


def test_futurize_returns_the_same_object_and_twice_is_fine(place: Place) -> None:
    plain = nova_client.Client("2.90", session=place.session)
    client = osf.futurize(plain, engine=place.engine)
    assert client is plain
    kind = type(client.servers)
    assert osf.futurize(client, engine=place.engine) is plain
    assert type(client.servers) is kind


def test_other_clients_are_left_unchanged(place: Place) -> None:
    place.nova()
    plain = nova_client.Client("2.90", session=place.session)
    assert not hasattr(plain.servers, "create_async")


def test_the_objects_are_still_those_of_the_library(place: Place) -> None:
    from novaclient.v2.servers import Server, ServerManager

    nova = place.nova()
    assert isinstance(nova.servers, ServerManager)
    vm = place.run(nova.servers.create_async("web", "image", "flavor", nics="none"))
    assert isinstance(vm, Server)
    assert isinstance(nova.servers.list()[0], Server)
    assert hasattr(nova.servers.list()[0], "reboot_async")


def test_a_twin_looks_like_its_plain_method(place: Place) -> None:
    nova = place.nova()
    twin = nova.servers.create_async_r
    assert twin.__name__ == "create_async_r"
    names = list(inspect.signature(twin).parameters)
    assert names[:3] == list(inspect.signature(nova.servers.create).parameters)[:3]
    assert {"try_count", "tout"} <= set(names)
    assert "tout" in (twin.__doc__ or "")
    assert "create_async" in dir(nova.servers)
    assert not [name for name in dir(nova.servers) if name.startswith("_") and "_async" in name]


def test_cinderclient_and_openstacksdk_get_theirs(place: Place) -> None:
    cinder = cinder_client.Client("3.70", session=place.session)
    assert osf.futurize(cinder, engine=place.engine) is cinder
    assert callable(cinder.volumes.create_async)
    connection: Any = Connection(session=place.session)
    assert osf.futurize(connection, engine=place.engine) is connection
    assert Connection in type(connection).__mro__
    assert connection.compute is connection.compute
    assert callable(connection.compute.create_server_async)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_a_servers_life_through_openstacksdk(place: Place) -> None:
    connection = Connection(session=place.session)
    compute: Any = osf.futurize(connection, engine=place.engine).compute
    future = compute.create_server_async(
        name="web", image_id="image", flavor_id="flavor", networks="none"
    )
    vm = place.run(future)
    assert (vm.id, vm.status) == ("server-1", "ACTIVE")
    assert place.run(compute.delete_server_async(vm)) is None


@pytest.mark.parametrize("thing", [None, "client", object(), 7])
def test_an_object_that_is_no_client_is_refused(thing: object) -> None:
    with pytest.raises(InvalidArgument, match="accepted"):
        osf.futurize(thing)


class Plain:
    """A class with all kinds of attributes."""

    constant = 3

    def method(self) -> str:
        """Say so."""
        return "plain"

    def _hidden(self) -> None: ...

    @property
    def lazy(self) -> str:
        raise AssertionError("a property was read")

    @staticmethod
    def static() -> None: ...

    @classmethod
    def of(cls) -> None: ...


def context_of(_: Any) -> Any:
    raise AssertionError("nothing is called here")


def test_only_public_methods_have_twins() -> None:
    kind = twinned(Plain, context_of)
    added = {name for name in vars(kind) if not name.startswith("__")}
    assert added == {"method_async", "method_async_r"}
    assert kind.__name__ == "Plain"
    assert kind.__module__ == Plain.__module__
    assert kind.__doc__ == Plain.__doc__
    assert twinned(Plain, context_of) is kind
    assert kind().method() == "plain"


def test_an_object_with_twins_equals_one_without(place: Place) -> None:
    nova = place.nova()
    vm = place.run(nova.servers.create_async("web", "image", "flavor", nics="none"))
    same = nova_client.Client("2.90", session=place.session).servers.get(vm.id)
    assert type(same) is not type(vm)
    assert same == vm
    assert vm == same
    assert vm in [same]
    other = place.run(nova.servers.create_async("other", "image", "flavor", nics="none"))
    assert same != other
    assert other != same
    assert vm != "web"


def test_an_adapter_of_any_service_gets_twins(place: Place) -> None:
    plain: Any = Adapter(place.session, "compute")
    compute = osf.futurize(plain, engine=place.engine, run="run-7")
    assert compute is plain
    assert Adapter in type(compute).__mro__
    future = compute.post_async_r("/servers", json={"server": {"name": "web"}})
    vm = place.run(future)
    assert (vm.status, vm["name"], future.operation) == ("ACTIVE", "web", "server.create")
    assert vm.metadata[RUN] == "run-7"
    with pytest.raises(AttributeError, match="no 'colour'; it has "):
        _ = vm.colour
    assert place.run(compute.delete_async(f"/servers/{vm.id}")) is None
    assert osf.futurize(compute) is plain


def test_an_adapters_errors_have_the_services_own_words(place: Place) -> None:
    from keystoneauth1.exceptions import Conflict

    def in_use(_: Any) -> Any:
        body = {"NeutronError": {"type": "NetworkInUse", "message": "in use", "detail": ""}}
        return answer(409, body)

    plain: Any = Adapter(place.session, "compute")
    compute = osf.futurize(plain, engine=place.engine)
    place.api.fault("POST", "/servers", in_use)
    with pytest.raises(Conflict, match=r"^in use \(HTTP 409\)") as caught:
        compute.post_async("/servers", json={"server": {}})
    assert caught.value.response is not None
    assert caught.value.response.status_code == 409


def test_the_options_of_futurize_are_the_settings_of_twins() -> None:
    from pytest_osfutures.clients.futurizing import ClientOptions

    names = [each.name for each in dataclasses.fields(ClientSettings)]
    assert sorted(ClientOptions.__annotations__) == sorted(names)


def test_none_stands_for_the_default_of_each_option(place: Place) -> None:
    nova = place.nova(poll=None, retry=None, expiry=None, ledger=None, api_client=None)
    context = nova.osfutures
    assert (context.expiry, context.retry, context.poll) == (21600.0, osf.Retry(), osf.Poll())
    assert isinstance(context.api_client, ApiClient)
