"""Defaults finds image, flavor and network of a new server on scripted clouds."""

from __future__ import annotations

import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument
from pytest_osfutures.scopes.defaults import GIB
from pytest_osfutures.stamp import Stamp
from tests.unit.scopes.scripted_cloud import (
    Answer,
    Row,
    Scripted,
    cloud,
    defaults,
    flavor,
    image,
    network,
)

__all__ = ["cloud"]  # the fixture


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"visibility": "community"},
        {"visibility": "shared"},
        {"os_hidden": True},
        {"status": "queued", "size": None},
        {"size": 0},
        {"container_format": "aki"},
    ],
)
@pytest.mark.parametrize("wanted", ["one & only/part", "id of one & only/part"])
def test_named_image_is_found_in_any_state(
    cloud: Scripted, wanted: str, more: dict[str, Any]
) -> None:
    cloud.images = [image(f"other {n}") for n in range(5)] + [image("one & only/part", **more)]
    assert defaults(cloud).image(wanted).id == "id of one & only/part"
    assert defaults(cloud, image=wanted).image(None).id == "id of one & only/part"


@pytest.mark.parametrize("wanted", ["rare", "id of rare", 7])
def test_named_flavor_is_found_on_any_page(cloud: Scripted, wanted: Any) -> None:
    private = {"os-flavor-access:is_public": False, "OS-FLV-DISABLED:disabled": True}
    rare = flavor("rare", 0, **private) | {"id": "7" if wanted == 7 else "id of rare"}
    cloud.flavors = [*(flavor(f"f{n}") for n in range(7)), rare]
    assert defaults(cloud).flavor(wanted, None).name == "rare"


def test_named_network_may_be_external_or_foreign(cloud: Scripted) -> None:
    outside = {"router:external": True, "project_id": "other"}
    cloud.networks = [network("n0"), network("n1"), network("way out", **outside)]
    assert defaults(cloud).nics("way out") == [{"net-id": "id of way out"}]
    assert defaults(cloud).network("id of way out") == "id of way out"
    assert defaults(cloud).network(None, external=True) == "id of way out"


def test_external_flag_tells_networks_of_one_name_apart(cloud: Scripted) -> None:
    outside = network("net") | {"id": "outside", "router:external": True}
    cloud.networks = [network("net") | {"id": "inside"}, outside]
    assert defaults(cloud).network("net") == "inside"
    assert defaults(cloud).network("net", external=True) == "outside"


def test_ambiguous_name_lists_the_ids(cloud: Scripted) -> None:
    cloud.images = [image("twin") | {"id": "a"}, image("twin") | {"id": "b"}]
    cloud.networks = [network("twin") | {"id": "c"}, network("twin") | {"id": "d"}]
    cloud.flavors = [flavor("twin") | {"id": "e"}, flavor("twin") | {"id": "f"}]
    with pytest.raises(InvalidArgument, match="2 images have the name 'twin'; give an id: a, b"):
        defaults(cloud).image("twin")
    with pytest.raises(InvalidArgument, match="2 networks have the name 'twin'; give an id: c, d"):
        defaults(cloud).nics("twin")
    with pytest.raises(InvalidArgument, match="2 flavors have the name 'twin'; give an id: e, f"):
        defaults(cloud).flavor("twin", None)


def test_visible_image_comes_before_a_hidden_image(cloud: Scripted) -> None:
    cloud.images = [image("os") | {"id": "old", "os_hidden": True}, image("os") | {"id": "new"}]
    assert defaults(cloud).image("os").id == "new"


def test_cache_keeps_found_resources_for_a_moment_only(cloud: Scripted) -> None:
    chosen = defaults(cloud)
    with pytest.raises(InvalidArgument, match="unknown image 'new'; there are: tiny"):
        chosen.image("new")
    cloud.images.append(image("new"))
    assert chosen.image("new").id == "id of new"
    cloud.asked.clear()
    assert chosen.image("new").id == "id of new"
    assert cloud.asked == []
    cloud.images[-1]["id"] = "another"
    cloud.engine.clock.advance(2.0)
    assert chosen.image("new").id == "another"


def test_missing_default_image_is_not_cached(cloud: Scripted) -> None:
    cloud.images, chosen = [], defaults(cloud)
    with pytest.raises(InvalidArgument, match="has no active image that a server boots from"):
        chosen.image(None)
    cloud.images.append(image("new"))
    assert chosen.image(None).name == "new"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"images": [], "next": "/v2/images?name=x"}, "its next page is /images.name=x again"),
        ({"images": [], "next": 7}, "the link to the next page is 7"),
        (["images"], "answers without a JSON object"),
    ],
)
def test_malformed_list_raises_one_sentence(cloud: Scripted, document: Any, words: str) -> None:
    send = cloud.send

    def odd(method: str, service: str, path: str, body: None) -> Answer:
        return Answer(document) if "name=" in path else send(method, service, path, body)

    cloud.send = odd  # type: ignore[method-assign]
    with pytest.raises(
        CloudUnreachableError, match=f"GET image /images of cloud 'scripted'.*{words}"
    ):
        defaults(cloud).image("x")


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        ([None, "x", {}, {"id": "a"}], InvalidArgument, "unknown image 'x'; there are: "),
        *((rows, CloudUnreachableError, "no list of images") for rows in (None, 7, {"id": "a"})),
    ],
)
def test_malformed_items_are_skipped_and_malformed_lists_fail(
    cloud: Scripted, rows: Any, error: type[Exception], text: str
) -> None:
    send = cloud.send

    def odd(method: str, service: str, path: str, body: None) -> Answer:
        listing = path.startswith("/images?")
        return Answer({"images": rows}) if listing else send(method, service, path, body)

    cloud.send = odd  # type: ignore[method-assign]
    with pytest.raises(error, match=text):
        defaults(cloud).image("x")


def test_refused_list_names_the_request_and_the_cloud(cloud: Scripted) -> None:
    cloud.send = lambda *_: Answer({"forbidden": {"message": "no"}}, 409)  # type: ignore
    with pytest.raises(
        CloudUnreachableError, match="GET image /images/x of cloud 'scripted' answers"
    ):
        defaults(cloud).image("x")


# Defaults


@pytest.mark.parametrize(
    "unfit",
    [
        {"size": 0},
        {"size": None},
        {"container_format": "aki", "disk_format": "aki"},
        {"container_format": "ari", "disk_format": "ari"},
        {"container_format": "ami", "disk_format": "ami"},
        {"disk_format": "iso"},
        {"container_format": "ova"},
        {"image_type": "snapshot"},
        {"block_device_mapping": "[]"},
        {"status": "queued"},
        {"os_hidden": True},
        {"visibility": "community"},
        {"min_ram": 1024},
        {"min_disk": 2},
        {"virtual_size": 2 * GIB},
        {"osf_run": "r" * 16, "osf_op": "o" * 16, "osf_expires": "1"},
    ],
)
def test_default_image_is_bootable(cloud: Scripted, unfit: dict[str, Any]) -> None:
    cloud.images = [image("a", **{"size": 1, **unfit}), image("good", 5), image("larger", 6)]
    assert defaults(cloud).image(None).name == "good"


def test_default_image_may_be_an_ami_with_a_kernel(cloud: Scripted) -> None:
    cloud.images = [image("whole", 9), image("parts", disk_format="ami", kernel_id="k")]
    assert defaults(cloud).image(None).name == "parts"


def test_default_image_has_the_architecture_of_the_hosts(cloud: Scripted) -> None:
    arm = image("arm", 1, architecture="aarch64")
    cloud.images = [arm, image("pc", 2, architecture="x86_64"), image("any", 3)]
    cloud.hosts = [{"cpu_info": json.dumps({"arch": "x86_64"})}]
    assert defaults(cloud).image(None).name == "pc"
    cloud.hosts = [{"cpu_info": {"arch": "aarch64"}}, {"cpu_info": "?"}, {}]
    assert defaults(cloud).image(None).name == "arm"
    cloud.hosts = None  # as a plain member sees it
    cloud.images.append(image("larger", 4, architecture="x86_64"))
    assert defaults(cloud).image(None).name == "pc"


def test_default_image_fits_the_named_flavor(cloud: Scripted) -> None:
    cloud.images = [image("small", 1, min_disk=40), image("large", GIB)]
    cloud.flavors = [flavor("one"), flavor("forty", 40)]
    assert defaults(cloud).image(None).name == "small"
    assert defaults(cloud).image(None, "one").name == "large"
    assert defaults(cloud, flavor="one").image(None).name == "large"


@pytest.mark.parametrize(
    ("of", "wanted"),
    [
        (image("i"), "one"),
        (image("i", GIB), "one"),
        (image("i", GIB + 1), "two"),
        (image("i", min_disk=2), "two"),
        (image("i", virtual_size=2 * GIB), "two"),
        (image("i", min_ram=65), "two"),
        (image("i", 0), "none"),
    ],
)
def test_default_flavor_is_the_smallest_that_nova_accepts(
    cloud: Scripted, of: Row, wanted: str
) -> None:
    cloud.images = [of]
    cloud.flavors = [
        flavor("none", 0, 32),
        flavor("two", 2, 128),
        flavor("disabled", 9, 16, **{"OS-FLV-DISABLED:disabled": True}),
        flavor("private", 9, 16, **{"os-flavor-access:is_public": False}),
        flavor("one", 1),
    ]
    chosen = defaults(cloud)
    assert chosen.flavor(None, SimpleNamespace(id=of["id"])).name == wanted
    assert chosen.flavor(None, chosen.image("i"), from_volume=True).name in ("none", wanted)
    assert chosen.flavor(None, None, from_volume=True).name == "none"


def test_missing_flavor_error_has_memory_and_disk(cloud: Scripted) -> None:
    cloud.images = [image("i", GIB + 1, min_ram=32)]
    with pytest.raises(InvalidArgument, match="no flavor with 32 MiB of memory and 2 GiB of disk"):
        defaults(cloud).flavor(None, defaults(cloud).image("i"))


def test_default_network_is_the_only_usable_network(cloud: Scripted) -> None:
    stamp = Stamp("a" * 16, "b" * 16, 1)
    cloud.networks = [
        network("out", **{"router:external": True}),
        network("down", admin_state_up=False),
        network("no subnet", subnets=[]),
        network("of others", project_id="other"),
        network("of a run", description=stamp.description("")),
        network("shared", project_id="other", shared=True),
    ]
    assert defaults(cloud).nics() == [{"net-id": "id of shared"}]
    cloud.networks.append(network("mine"))
    cloud.engine.clock.advance(2.0)
    text = r"2 networks, so name one; there are: mine \(id of mine\), shared \(id of shared\)"
    with pytest.raises(InvalidArgument, match=text):
        defaults(cloud).nics()


def test_auto_is_refused_if_several_networks_exist(cloud: Scripted) -> None:
    cloud.networks = [network("a"), network("b", subnets=[])]
    for chosen, network_wanted in (
        (defaults(cloud), "auto"),
        (defaults(cloud, network="auto"), None),
    ):
        with pytest.raises(InvalidArgument, match=r"2 networks, so name one; there are: a .*, b "):
            chosen.nics(network_wanted)
    with pytest.raises(InvalidArgument, match=r"--os-network: .*2 networks"):
        defaults(cloud, network="auto").check()
    cloud.networks.pop()
    assert defaults(cloud).nics("auto") == "auto"


@pytest.mark.parametrize("allocates", [True, False])
def test_auto_is_the_default_where_neutron_allocates(cloud: Scripted, allocates: bool) -> None:
    cloud.auto = allocates
    cloud.networks = [network("out", **{"router:external": True, "project_id": "other"})]
    assert defaults(cloud).nics() == ("auto" if allocates else "none")
    cloud.networks = [network("of nobody's use", subnets=[])]
    assert defaults(cloud).nics() == "none"


MALFORMED: list[Any] = ["x", [None], {"a": 1}, 1.5, -1, None]


@pytest.mark.parametrize("value", MALFORMED, ids=repr)
@pytest.mark.parametrize(
    "field", ["size", "min_disk", "min_ram", "architecture", "ram", "disk", "vcpus"]
)
def test_malformed_field_is_no_exception_of_python(
    cloud: Scripted, field: str, value: object
) -> None:
    bad_image, bad_flavor = {**image("bad"), field: value}, {**flavor("bad"), field: value}
    cloud.images, cloud.flavors = [*cloud.images, bad_image], [bad_flavor, *cloud.flavors]
    chosen = defaults(cloud)
    assert chosen.image(None).name in ("tiny", "bad")
    assert chosen.flavor(None, chosen.image(None)).name in ("small", "bad")
    with suppress(InvalidArgument):
        chosen.flavor(None, "id of bad")
    with suppress(InvalidArgument):
        chosen.image(None, "id of bad")


@pytest.mark.parametrize("hosts", [7, "x", {"a": 1}, [None, 7, "x", []], [{"cpu_info": [1]}]])
def test_malformed_hosts_tell_no_architecture(cloud: Scripted, hosts: Any) -> None:
    cloud.images = [
        image("arm", architecture="aarch64", size=2),
        image("pc", architecture="x86_64"),
    ]
    cloud.hosts = hosts
    assert defaults(cloud).image(None).name in ("arm", "pc")


def test_default_image_is_the_smallest_if_the_flavor_is_not_shown(cloud: Scripted) -> None:
    cloud.images = [image("large", size=2), image("small")]
    assert defaults(cloud).image(None, SimpleNamespace(id="gone")).name == "small"
