"""Each method of novaclient and cinderclient that changes something has a row or a reason.

Every public method of every manager is called, and what it sends is looked up in the tables. What
no row knows has to stand in `SYNCHRONOUS`, with the reason why there is nothing to wait for.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import cinderclient.base
import cinderclient.client
import novaclient.base
import novaclient.client
import pytest
import requests
from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token
from openstack.connection import Connection

from pytest_osfutures.clients.twin import twinned
from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter
from pytest_osfutures.operations import TABLE

DONE = "Nova or Cinder has written it to its database before it answers"
ANSWERED = "the answer is the result: the API waits for the host"
INTERNAL = "only the services themselves may ask for it, and they wait for it on their own"
UNTOLD = "it starts work of which the API never tells any more, in no place that could be read"

SYNCHRONOUS = {
    DONE: """
        compute: agents.create agents.delete agents.update aggregates.add_host aggregates.create
        aggregates.delete aggregates.remove_host aggregates.set_metadata aggregates.update
        flavor_access.add_tenant_access flavor_access.remove_tenant_access flavors.create
        flavors.delete flavors.update keypairs.create keypairs.delete quota_classes.update
        quotas.delete quotas.update server_groups.create server_groups.delete
        servers.add_security_group servers.add_tag servers.clear_password servers.delete_all_tags
        servers.delete_meta servers.delete_tag servers.lock servers.remove_security_group
        servers.reset_state servers.set_meta servers.set_meta_item servers.set_tags servers.unlock
        servers.update services.delete services.disable services.disable_log_reason
        services.enable services.force_down

        block-storage: cgsnapshots.update clusters.update default_types.create
        default_types.delete group_snapshots.reset_state group_snapshots.update group_types.create
        group_types.delete group_types.update groups.reset_state messages.delete qos_specs.create
        qos_specs.delete qos_specs.set_keys qos_specs.unset_keys quota_classes.update quotas.delete
        quotas.update services.disable services.disable_log_reason services.enable
        volume_encryption_types.create volume_encryption_types.delete
        volume_encryption_types.update volume_snapshots.delete_metadata
        volume_snapshots.reset_state volume_snapshots.set_metadata volume_snapshots.update
        volume_snapshots.update_all_metadata volume_snapshots.update_snapshot_status
        volume_type_access.add_project_access volume_type_access.remove_project_access
        volume_types.create volume_types.delete volume_types.update volumes.begin_detaching
        volumes.delete_image_metadata volumes.delete_metadata volumes.reserve
        volumes.reset_state volumes.roll_detaching volumes.set_bootable volumes.set_image_metadata
        volumes.set_metadata volumes.show_image_metadata volumes.unreserve volumes.update
        volumes.update_all_metadata volumes.update_readonly_flag backups.update transfers.delete
    """,
    ANSWERED: """
        compute: servers.get_console_output servers.get_console_url servers.get_mks_console
        servers.get_rdp_console servers.get_serial_console servers.get_spice_console
        servers.get_vnc_console

        block-storage: groups.list_replication_targets services.freeze_host
        services.get_log_levels services.thaw_host volumes.initialize_connection
        volumes.terminate_connection
    """,
    INTERNAL: """
        compute: assisted_volume_snapshots.create assisted_volume_snapshots.delete
        server_external_events.create

        block-storage: volumes.extend_volume_completion volumes.migrate_volume_completion
    """,
    UNTOLD: """
        compute: aggregates.cache_images servers.reset_network

        block-storage: services.set_log_levels workers.clean
    """,
}
#: Arguments of methods that do not take just anything.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "compute:flavors.create": {"ram": 1, "vcpus": 1, "disk": 1},
    "compute:servers.create": {"nics": "none"},
    "compute:servers.update": {"name": "n"},
    "compute:servers.get_console_url": {"console_type": "novnc"},
    "compute:servers.get_rdp_console": {"console_type": "rdp-html5"},
    "compute:servers.get_serial_console": {"console_type": "serial"},
    "compute:servers.get_spice_console": {"console_type": "spice-html5"},
    "compute:servers.get_vnc_console": {"console_type": "novnc"},
    "compute:volumes.delete_server_volume": {"server_id": "x", "volume_id": "v"},
    "compute:volumes.get_server_volume": {"server_id": "x", "volume_id": "v"},
    "compute:volumes.update_server_volume": {"src_volid": "v", "dest_volid": "w"},
    "block-storage:backups.update": {"name": "n"},
    "block-storage:cgsnapshots.update": {"name": "n"},
    "block-storage:consistencygroups.update": {"add_volumes": "v"},
    "block-storage:group_snapshots.update": {"name": "n"},
    "block-storage:groups.update": {"add_volumes": "v"},
    "block-storage:qos_specs.create": {"specs": {}},
    "block-storage:qos_specs.set_keys": {"specs": {}},
    "block-storage:volume_snapshots.update": {"name": "n"},
    "block-storage:volumes.delete_metadata": {"keys": []},
    "block-storage:volumes.update": {"name": "n"},
    "block-storage:volumes.get_pools": {"search_opts": {}},
}
#: Only read, by the convention of both libraries; some do not take just any argument either.
READERS = ("find", "findall", "list", "get", "statistics")
CLOUD = "http://cloud"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


class Anything(dict[str, Any]):
    """A document that has every key."""

    def __missing__(self, key: str) -> Any:
        return [] if key.endswith("s") else Anything(id="x")


class Accepted(requests.Response):
    """The answer to everything."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 202
        self._content = b"{}"

    def json(self, **_: Any) -> Any:
        return Anything(id="x")


class Wire(FunctionAdapter):
    """Takes every request and keeps it: method, path, JSON body."""

    def __init__(self) -> None:
        super().__init__(self.accept)
        self.sent: list[tuple[str, str, Any]] = []

    def accept(self, request: requests.PreparedRequest, _: float | None) -> requests.Response:
        body = json.loads(request.body) if request.body else None
        self.sent.append((str(request.method), str(request.url).removeprefix(CLOUD), body))
        return Accepted()


def methods(service: str) -> Iterator[tuple[str, Any, Wire]]:
    """Every public method of every manager of a client, as (name, bound method, its wire)."""
    wire, http = Wire(), requests.Session()
    http.mount(CLOUD, wire)
    session = Session(auth=Token(CLOUD, "token"), session=http)
    if service == "compute":
        client: Any = novaclient.client.Client("2.96", session=session)
        manager: type = novaclient.base.Manager
    else:
        client = cinderclient.client.Client("3.71", session=session)
        manager = cinderclient.base.Manager
    for name, each in vars(client).items():
        if isinstance(each, manager):
            for key, method in inspect.getmembers(each, inspect.ismethod):
                inherited = hasattr(manager, key) or key in READERS
                if not key.startswith("_") and not inherited:
                    yield f"{name}.{key}", method, wire


def arguments(service: str, name: str, method: Any) -> dict[str, Any]:
    """Something for every argument that the method must have."""
    required = [
        each.name
        for each in inspect.signature(method).parameters.values()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    return dict.fromkeys(required, "x") | ARGUMENTS.get(f"{service}:{name}", {})


def reasons(service: str) -> dict[str, str]:
    """The explained methods of a client, and why there is nothing to wait for."""
    found: dict[str, str] = {}
    for reason, text in SYNCHRONOUS.items():
        for paragraph in text.strip().split("\n\n"):
            kind, *names = paragraph.split()
            if kind == f"{service}:":
                found |= dict.fromkeys(names, reason)
    return found


@pytest.mark.parametrize("service", ["compute", "block-storage"])
@pytest.mark.filterwarnings("ignore")  # of methods on their way out
def test_every_method_that_changes_something_is_explained(service: str) -> None:
    explained, known, changing, unexplained = reasons(service), set(), set(), []
    for name, method, wire in methods(service):
        wire.sent.clear()
        try:
            method(**arguments(service, name, method))
        except Exception as error:
            if not wire.sent:  # else it does not like the answer
                unexplained.append(f"{name} cannot be called: {type(error).__name__}: {error}")
        changes = [each for each in wire.sent if each[0] in CHANGING]
        rows = [TABLE.find(service, *each) for each in changes]
        if changes:
            changing.add(name)
        if any(rows):
            known.add(name)
        elif changes and name not in explained:
            unexplained.append(f"{name} sends {changes}")
    assert not unexplained, "\n".join(unexplained)
    assert not known & set(explained), "a row knows what is said to be synchronous"
    assert set(explained) <= changing, "something is explained that changes nothing"


#: These send requests that change nothing, and only the answer counts.
ASKING = re.compile(r"get_\w+|list_replication_targets|show_image_metadata")
#: These change something with a GET.
CHANGING_BY_GET = re.compile(r"qos_specs\.(dis)?associate(_all)?")


@pytest.mark.parametrize("service", ["compute", "block-storage"])
@pytest.mark.filterwarnings("ignore")  # of methods on their way out
def test_only_methods_that_change_something_have_twins(service: str) -> None:
    wrong = []
    for name, method, wire in methods(service):
        wire.sent.clear()
        with suppress(Exception):  # it does not like the answer
            method(**arguments(service, name, method))
        short = name.partition(".")[2]
        changes = any(each[0] in CHANGING for each in wire.sent) and not ASKING.fullmatch(short)
        expected = changes or CHANGING_BY_GET.fullmatch(name) is not None
        if hasattr(twinned(type(method.__self__), context_of), f"{short}_async") is not expected:
            wrong.append(f"{name} sends {wire.sent}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "kind", [novaclient.base.ManagerWithFind, novaclient.base.Resource, cinderclient.base.Resource]
)
def test_methods_of_base_classes_have_no_twins(kind: type) -> None:
    assert [name for name in dir(twinned(kind, context_of)) if name.endswith("_async")] == []


def test_an_adapter_has_twins_of_the_methods_that_change_something() -> None:
    names = [name for name in dir(twinned(Adapter, context_of)) if name.endswith("_async")]
    assert names == ["delete_async", "patch_async", "post_async", "put_async", "request_async"]


@pytest.mark.parametrize(
    ("service", "with_twins", "without"),
    [
        ("compute", "create_server delete_server stop_server update_server post", "servers"),
        ("network", "create_port add_interface_to_router delete_subnet", "ports find_network"),
        ("image", "upload_image import_image create_image", "images download_image"),
        ("block_storage", "create_volume extend_volume", "volumes snapshots"),
    ],
)
def test_proxies_of_openstacksdk_have_twins_where_something_changes(
    service: str, with_twins: str, without: str
) -> None:
    described = inspect.getattr_static(Connection, service)
    newest = described.supported_versions[max(described.supported_versions)]
    proxy = twinned(newest, context_of)
    for name in with_twins.split():
        assert hasattr(proxy, f"{name}_async"), name
        assert hasattr(proxy, f"{name}_async_r"), name
    for name in [*without.split(), "get_endpoint", "wait_for_status", "alternate_service_type"]:
        assert not hasattr(proxy, f"{name}_async"), name


def context_of(_: Any) -> Any:
    raise AssertionError("nothing is called here")
