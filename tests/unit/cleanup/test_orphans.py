"""Orphans of Neutron, Glance and Cinder's backups are found, and deleted in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from keystoneauth1.exceptions import EndpointNotFound

from pytest_osfutures.cleanup.cleanups import sweep_expired
from pytest_osfutures.cleanup.orphans import list_stamped
from pytest_osfutures.cleanup.sweep import Sweep
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.operations import OWNED_TYPES, ResourceType
from pytest_osfutures.ownership.resource import StampedResource, UnreadableError
from pytest_osfutures.stamp import Stamp
from tests.unit.cleanup.test_sweep import OTHER, RUN, World, stamp


class Project(World):
    """A world with helpers for networks, images and backups."""

    def make(self, kind: str, mark: Stamp | None, **fields: Any) -> str:
        """Create a resource of Neutron, with a stamp or without; return its id."""
        resource_type = OWNED_TYPES[kind]
        if mark is not None:
            fields["description"] = mark.description(fields.get("description"))
        body = {resource_type.member: fields}
        return str(
            self.send("POST", "network", resource_type.collection_path, body)[resource_type.member][
                "id"
            ]
        )

    def net(self, mark: Stamp | None, cidr: str = "10.9.0.0/24") -> tuple[str, str]:
        """Create a network with a subnet; return their ids."""
        network = self.make("network", mark)
        subnet = self.make("subnet", mark, network_id=network, cidr=cidr, ip_version=4)
        return network, subnet

    def connect(self, router: str, subnet: str) -> None:
        """Connect a router with a subnet."""
        path = f"/routers/{router}/add_router_interface"
        self.send("PUT", "network", path, {"subnet_id": subnet})

    def image(self, **fields: Any) -> str:
        """Create an image without data and return its id."""
        return str(self.send("POST", "image", "/images", fields)["id"])

    def everything(self) -> set[str]:
        """Return the ids of all resources."""
        return {str(row["id"]) for row in self.cloud.alive()}

    def listed(self, resource_type: ResourceType) -> list[StampedResource]:
        """Return the resources of a type that carry a stamp of their own."""
        return [each for each in list_stamped(self.api_client, resource_type) if not each.copy_of]

    def sweep(self, run: str = RUN) -> dict[StampedResource, str]:
        """Delete the resources of a run; return those that stay, with the reasons."""
        sweep = Sweep(replace(self.context, deletion_seconds=60.0), lambda each: each.run == run)
        return sweep.remove(sweep.find())


@pytest.fixture
def project() -> Iterator[Project]:
    """Return a new project, and close its ledger afterwards."""
    made = Project()
    yield made
    made.ledger.close()


def furnish(project: Project) -> None:
    """Create one resource of each type, connected and stamped; return their ids."""
    network, subnet = project.net(stamp())
    group = project.make("security group", stamp(), name="web")
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    project.make("security group rule", stamp(), **rule)
    public = project.send("GET", "network", "/networks?name=public")["networks"][0]["id"]
    gateway = {"network_id": public}
    router = project.make("router", stamp(), external_gateway_info=gateway)
    project.connect(router, subnet)
    port = project.make("port", stamp(), network_id=network, security_groups=[group])
    project.make("floating ip", stamp(), floating_network_id=public, port_id=port)
    mark, ident = stamp(), "11111111-1111-4111-8111-111111111111"
    project.image(id=ident, **mark.metadata(ident))
    volume = project.volume(stamp().metadata())
    project.clock.advance(60)
    for number in range(3):
        backup: dict[str, Any] = {"volume_id": volume, "description": stamp().description("safe")}
        backup["incremental"] = number > 0  # each is built on the one before
        project.send("POST", "block-storage", "/backups", {"backup": backup})
        project.clock.advance(60)


def test_connected_resources_are_deleted_in_order(project: Project) -> None:
    before = project.everything()
    furnish(project)
    assert len(project.everything() - before) > 12
    assert project.sweep() == {}
    assert project.everything() == before


def test_foreign_resources_stay_whatever_they_look_like(project: Project) -> None:
    mark = stamp()
    text = mark.description()
    for number, words in enumerate(
        ["", "osf", RUN, text[:-11], f"{text} was its stamp", f"my{text}", f"osf-{RUN}"]
    ):
        network = project.make("network", None, name=text, description=words)
        cidr = f"10.{number}.0.0/24"
        project.make("subnet", None, network_id=network, cidr=cidr, ip_version=4, name=text)
        project.make("port", None, network_id=network, description=words, name="web")
        project.make("router", None, description=words, name=text)
        project.make("security group", None, description=words, name="web")
    project.net(stamp(OTHER), "10.99.0.0/24")
    image = project.image(name="child", instance_uuid="s", **mark.metadata("parent"))
    copy = project.image(name="copy", **mark.metadata("parent"))
    server = project.send("POST", "compute", "/servers", {"server": described(project, text)})
    project.clock.advance(60)
    foreign = project.everything()
    assert {image, copy, server["server"]["id"]} <= foreign
    furnish(project)
    assert project.sweep() == {}
    assert project.everything() == foreign


def described(project: Project, text: str) -> dict[str, Any]:
    """Create a server with a stamp in its description, which does not count there."""
    image = project.send("GET", "image", "/images?name=tiny")["images"][0]["id"]
    flavor = project.send("GET", "compute", "/flavors")["flavors"][0]["id"]
    metadata = {"description": text}
    made_of = {"imageRef": image, "flavorRef": flavor, "networks": [{"uuid": project.private}]}
    return {"name": text, "metadata": metadata, **made_of}


def test_our_subnet_is_removed_from_a_foreign_router(project: Project) -> None:
    router = project.make("router", None)
    _, theirs = project.net(None, "10.1.0.0/24")
    _, ours = project.net(stamp(), "10.2.0.0/24")
    project.connect(router, theirs)
    project.connect(router, ours)
    assert project.sweep() == {}
    ports = project.send("GET", "network", f"/ports?device_id={router}")["ports"]
    assert [port["fixed_ips"][0]["subnet_id"] for port in ports] == [theirs]


def test_a_foreign_port_keeps_our_network_with_a_reason(project: Project) -> None:
    network, subnet = project.net(stamp())
    port = project.make("port", None, network_id=network)
    left = project.sweep()
    assert {each.id for each in left} == {network, subnet}
    assert all("409" in why for why in left.values())
    assert port in project.everything()


def test_a_resource_is_read_right_before_its_deletion(project: Project) -> None:
    network, _ = project.net(stamp())
    sweep = Sweep(project.context, lambda _: True)
    everything = sweep.find()
    body = {"network": {"description": "mine now"}}
    project.send("PUT", "network", f"/networks/{network}", body)
    assert sweep.remove(everything) == {}
    assert network in project.everything()


def test_expired_network_resources_are_swept(project: Project) -> None:
    now = int(project.clock.time())
    fresh = project.net(stamp(OTHER, now + 60), "10.1.0.0/24")
    project.net(stamp(OTHER, now - 60), "10.2.0.0/24")
    before = project.everything()
    assert sweep_expired(project.context, [RUN]) == {}
    assert set(fresh) <= project.everything()
    assert len(before - project.everything()) == 2


def test_a_neutron_without_the_router_extension_is_read(project: Project) -> None:
    for path in ("/routers", "/floatingips", "/extensions/router"):
        project.cloud.faults.add(Fault("status", method="GET", path=path, status=404))
    assert project.listed(OWNED_TYPES["router"]) == []
    assert project.listed(OWNED_TYPES["floating ip"]) == []


def test_a_missing_list_of_an_existing_extension_fails(project: Project) -> None:
    project.cloud.faults.add(Fault("status", method="GET", path="/routers", status=404))
    with pytest.raises(UnreadableError, match="GET /routers"):
        project.listed(OWNED_TYPES["router"])


def test_a_list_is_unreadable_if_its_service_leaves_the_catalog(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.cloud.faults.add(Fault("status", method="GET", path="/routers", status=404))
    send = project.api_client.send

    def leaves(method: str, service: str, path: str, *request: Any) -> Any:
        if path.startswith("/extensions"):
            raise EndpointNotFound("the catalog has no network service any more")
        return send(method, service, path, *request)

    monkeypatch.setattr(project.api_client, "send", leaves)
    with pytest.raises(UnreadableError, match=r"GET /routers.* 404"):
        project.listed(OWNED_TYPES["router"])


def test_keypairs_are_found_by_the_stamp_in_their_names(project: Project) -> None:
    mark = stamp()
    for name in (mark.name("mine"), "theirs"):
        project.send("POST", "compute", "/os-keypairs", {"keypair": {"name": name}})
    (found,) = project.listed(OWNED_TYPES["keypair"])
    assert (found.id, found.stamp) == (mark.name("mine"), mark)


def test_an_older_cinder_shows_the_stamp_in_descriptions(project: Project) -> None:
    volume = project.volume({})
    project.clock.advance(60)
    mark = stamp()
    body = {"backup": {"volume_id": volume, "description": mark.description()}}
    project.send("POST", "block-storage", "/backups", body)
    project.cloud.faults.add(
        Fault("status", method="GET", path="/backups/detail", status=406, count=1)
    )
    assert [each.stamp for each in project.listed(OWNED_TYPES["backup"])] == [mark]


def test_malformed_items_do_not_stop_the_sweep(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = project.server(stamp().metadata())
    odd = {**stamp().metadata(), "osf_expires": "²"}
    project.server(odd, "odd")
    real = project.api_client.send

    class Answer:
        """Add malformed items to the cloud's response."""

        def __init__(self, answer: Any) -> None:
            self._answer = answer
            self.status_code, self.headers = answer.status_code, answer.headers

        def json(self) -> Any:
            document = self._answer.json()
            for value in document.values():
                if isinstance(value, list):
                    marked = {"metadata": stamp().metadata(), **stamp().metadata()}
                    value[:0] = [None, 1, "x", [], {}, {**marked, "id": None}, {**marked}]
                    value[:0] = [{**marked, "id": {}, "name": {}}, {**marked, "id": "a/../b"}]
            return document

    def send(method: str, *args: Any) -> Any:
        return Answer(real(method, *args)) if method == "GET" else real(method, *args)

    monkeypatch.setattr(project.api_client, "send", send)
    assert project.sweep() == {}
    assert mine not in project.everything()


def test_a_list_with_a_looping_link_is_unreadable(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = project.api_client.send, []

    def send(method: str, service: str, path: str, *args: Any) -> Any:
        answer = real(method, service, path.partition("?")[0], *args)
        if path.startswith("/servers/detail"):
            asked.append(path)
            link = {"rel": "next", "href": "http://x/v2.1/servers/detail?marker=a"}
            document = {"servers": [], "servers_links": [link]}
            answer._content = json.dumps(document).encode()
        return answer

    monkeypatch.setattr(project.api_client, "send", send)
    with pytest.raises(UnreadableError, match="does not end"):
        project.sweep()
    assert asked == ["/servers/detail", "/servers/detail?marker=a"]
