"""Settings of single services in clouds.yaml apply to all clients."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session

import pytest_osfutures as osf
from pytest_osfutures import cloud as clouds
from pytest_osfutures import config as clouds_yaml
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import ScaledClock, SystemClock
from pytest_osfutures.cloud import Cloud, reconnect
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.services.identity.models import PASSWORD
from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter
from pytest_osfutures.fakecloud.shells.inprocess import mount
from pytest_osfutures.policy import Poll
from pytest_osfutures.transport import session_of
from pytest_osfutures.transport.client import ApiClient
from pytest_osfutures.transport.service_config import ServiceConfig

AUTH = {
    "auth_url": "http://front.example/identity/v3",
    "username": "demo",
    "password": PASSWORD,
    "project_name": "demo",
    "user_domain_id": "default",
    "project_domain_id": "default",
}
VERSIONED = {
    "compute_endpoint_override": "http://alive.example/compute/v2.1",
    "volume_endpoint_override": "http://alive.example/volume/v3/%(project_id)s",
    "image_endpoint_override": "http://alive.example/image/v2/",
    "network_endpoint_override": "http://alive.example/network/v2.0",
    # With these openstacksdk asks no endpoint for its versions, as not all of them say.
    "volume_api_version": "3",
    "image_api_version": "2",
}
PLAIN = {
    "compute_endpoint_override": "http://alive.example/compute",
    "block_storage_endpoint_override": "http://alive.example/volume/",
    "image_endpoint_override": "http://alive.example/image",
    "network_endpoint_override": "http://alive.example/network",
}


class Dead(FunctionAdapter):
    """A transport adapter of requests without a server."""

    def __init__(self) -> None:
        super().__init__(self.fail)
        self.asked: list[str] = []

    def fail(self, request: requests.PreparedRequest, _: float | None) -> requests.Response:
        self.asked.append(str(request.url))
        raise requests.exceptions.ConnectionError(f"nobody answers at {request.url}")


@pytest.fixture
def fake() -> FakeCloud:
    return FakeCloud(ScaledClock(20.0))


@pytest.fixture
def dead() -> Dead:
    return Dead()


@pytest.fixture
def connect(fake: FakeCloud, dead: Dead, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Connect with these settings; only Keystone answers at the catalog's URL."""
    plain = session_of

    def session(region: Any) -> Any:
        made = plain(region)
        made.session.adapters.clear()
        made.session.mount("http://", dead)
        mount(fake, made.session, "http://alive.example")
        mount(fake, made.session, "http://front.example/identity")
        return made

    monkeypatch.setattr(clouds, "session_of", session)
    monkeypatch.setattr(clouds, "FAKE_POLL", Poll())
    path = tmp_path / "clouds.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))

    def made(**settings: Any) -> Cloud:
        path.write_text(json.dumps({"clouds": {"x": {"auth": AUTH, **settings}}}))
        return osf.connect("x", poll=clouds.FAKE_POLL)

    return made


def use_everything(cloud: Cloud) -> None:
    """Send a request to each service through each client."""
    image, flavor = cloud.api("image").get("/images").json()["images"][0]["id"], "1"
    network = cloud.api("network").get("/networks").json()["networks"][0]["id"]
    nics = [{"net-id": network}]
    flavor = cloud.nova.flavors.list()[0].id
    vm = cloud.nova.servers.create_async_r("web", image, flavor, nics=nics).result()
    disk = cloud.cinder.volumes.create_async_r(1, name="disk").result()
    cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()
    assert cloud.sdk.compute.get_server(vm.id).status == "ACTIVE"
    assert cloud.sdk.block_storage.get_volume(disk.id).status == "in-use"
    assert [each.name for each in cloud.sdk.network.networks()]
    assert cloud.sdk.image.get("/images").json()["images"]
    assert (
        cloud.api("network").post_async("/ports", json={"port": {"network_id": network}}).result()
    )


@pytest.mark.filterwarnings("ignore::Warning")  # openstacksdk's about itself
@pytest.mark.parametrize("settings", [VERSIONED, PLAIN], ids=["versioned", "plain"])
def test_endpoint_overrides_apply_to_all_clients(
    connect: Any, fake: FakeCloud, dead: Dead, settings: dict[str, str]
) -> None:
    if settings is PLAIN:  # openstacksdk itself finds nothing below an endpoint without a version
        of_image = ("image_endpoint_override", "image_api_version")
        settings = {**settings, **{key: VERSIONED[key] for key in of_image}}
    cloud = connect(**settings)
    use_everything(cloud)
    other = reconnect("x", cloud.configuration())  # as the reaper does
    sweep = Sweep(SweepContext(other.api_client, SystemClock(), print), lambda stamp: True)
    found = sweep.find()
    assert {each.type.name for each in found} == {"server", "volume"}
    assert sweep.remove(found) == {}
    assert {row["kind"] for row in fake.alive()} & {"server", "volume"} == set()
    assert dead.asked == []


def test_an_endpoint_without_a_version_gets_one(connect: Any) -> None:
    client = connect(**PLAIN).api_client
    for service, end in {
        "compute": "compute/v2.1",
        "image": "image/v2",
        "network": "network/v2.0",
    }.items():
        assert client.base(service) == f"http://alive.example/{end}"
    assert client.base("block-storage").startswith("http://alive.example/volume/v3")


def region(**settings: Any) -> Any:
    return clouds_yaml.rebuilt({"auth_type": "password", "auth": AUTH, **settings})


def test_endpoint_filters_of_single_services() -> None:
    config = ServiceConfig(
        region(
            interface="internal",
            region_name="north",
            volume_interface="admin",
            compute_region_name="south",
            network_service_name="neutron2",
            volumev3_service_type="volumev3",
        )
    )
    north = {"interface": "internal", "region_name": "north"}
    assert config.endpoint_filter("image") == {"service_type": "image", **north}
    assert config.endpoint_filter("compute")["region_name"] == "south"
    assert config.endpoint_filter("network") == {
        "service_type": "network",
        "service_name": "neutron2",
        **north,
    }
    assert config.endpoint_filter("block-storage")["interface"] == "admin"
    assert config.endpoint_filter("block-storage")["service_type"] == "volumev3"
    assert config.official_type("volumev3") == "block-storage"


def test_a_catalog_may_have_its_own_service_types() -> None:
    config = ServiceConfig(region(compute_service_type="nova_legacy"))
    assert config.endpoint_filter("compute")["service_type"] == "nova_legacy"
    assert config.official_type("nova_legacy") == "compute"
    assert config.official_type("volumev3") == "block-storage"


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, None),
        ({"compute_default_microversion": "2.60"}, "2.60"),
        ({"compute_api_version": "2"}, None),
        ({"compute_api_version": "2.0"}, None),
        ({"compute_api_version": "2.60"}, "2.60"),
    ],
)
def test_the_microversion_follows_openstacksdk(
    settings: dict[str, str], wanted: str | None
) -> None:
    found = region(**settings)
    assert ServiceConfig(found).microversion("compute") == wanted
    if settings != {"compute_api_version": "2.0"}:  # its versions do not agree about that
        assert found._get_version_request("compute", None).default_microversion == wanted


def test_contradicting_microversions_are_an_error() -> None:
    found = region(compute_api_version="2.60", compute_default_microversion="2.61")
    with pytest.raises(
        osf.InvalidArgument, match=r"compute has api_version 2.60 and default_micro"
    ):
        ServiceConfig(found).microversion("compute")


def test_clients_and_adapters_get_the_settings(connect: Any) -> None:
    more = {
        "compute_connect_retries": 4,
        "compute_status_code_retries": 2,
        "compute_status_code_retry_delay": 0.25,
        "compute_service_name": "nova",
        "compute_default_microversion": "2.60",
        "connect_retries": 7,
        "api_timeout": 120,
    }
    cloud = connect(**VERSIONED, **more)
    for adapter in (cloud.nova.client, cloud.api("compute")):
        assert adapter.connect_retries == 4
        assert adapter.status_code_retries == 2
        assert adapter.status_code_retry_delay == 0.25
        assert adapter.service_name == "nova"
        assert adapter.interface == "public"
    assert cloud.api("compute").default_microversion == "2.60"
    assert cloud.nova.api_version.get_string() == "2.60"
    assert cloud.cinder.client.connect_retries == 7
    assert cloud.cinder.client.status_code_retries is None
    assert cloud.session.timeout == 120
    assert reconnect("x", cloud.configuration()).poll.read_timeout == 120
    assert reconnect("x", cloud.configuration()).nova.client.status_code_retries == 2


def test_the_session_gets_the_endpoint_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = reconnect(
        "x",
        {
            "auth_type": "password",
            "auth": AUTH,
            "interface": "internal",
            "image_interface": "admin",
            "image_region_name": "south",
            "image_service_name": "glance2",
        },
    )
    asked: list[dict[str, Any]] = []

    def found(**more: Any) -> Any:
        asked.append(more)
        return SimpleNamespace(url="http://there.example/v2", api_version=(2, 0))

    monkeypatch.setattr(cloud.session, "get_endpoint_data", found)
    monkeypatch.setattr(cloud.api_client, "_catalog", ([], None))
    assert cloud.api_client.base("image") == "http://there.example/v2"
    assert asked[0]["interface"] == "admin"
    assert asked[0]["region_name"] == "south"
    assert asked[0]["service_name"] == "glance2"


@pytest.mark.parametrize("end", ["yaml", "yml", "json"])
def test_only_the_first_file_has_to_be_readable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    for name in ("CONFIG", "SECURE"):
        kind = "clouds" if name == "CONFIG" else "secure"
        files = [
            f"{place}/{kind}.{each}" for place in (first, second) for each in clouds_yaml._ENDS
        ]
        monkeypatch.setattr(f"openstack.config.loader.{name}_FILES", files)
    monkeypatch.setattr("openstack.config.loader.CONFIG_SEARCH_PATH", [str(first), str(second)])
    (first / f"clouds.{end}").write_text(json.dumps({"clouds": {"x": {"auth": AUTH}}}))
    (second / "clouds.yaml").write_text("clouds: [")
    assert clouds_yaml.names(clouds_yaml.read()) == ["x"]
    (first / "secure.yaml").write_text("clouds: [")
    with pytest.raises(osf.InvalidArgument, match=r"secure.yaml cannot be read"):
        clouds_yaml.read()
    (first / "secure.yaml").write_text(
        json.dumps({"clouds": {"x": {"auth": {"password": "of secure"}}}})
    )
    config = clouds_yaml.read()
    assert clouds_yaml.region(config, "x").config["auth"]["password"] == "of secure"
    (first / f"clouds.{end}").write_text("{")
    with pytest.raises(osf.InvalidArgument, match=f"clouds.{end} cannot be read"):
        clouds_yaml.read()


def test_profiles_and_regions_follow_openstacksdk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vendors = tmp_path / "clouds-public.json"
    monkeypatch.setattr("openstack.config.loader.VENDOR_FILES", [str(vendors)])
    there = {"auth_type": "password", "auth": {"auth_url": AUTH["auth_url"]}, "interface": "admin"}
    vendors.write_text(json.dumps({"public-clouds": {"mine": there}}))
    auth = {name: value for name, value in AUTH.items() if name != "auth_url"}
    regions = [
        {
            "name": "north",
            "values": {"compute_endpoint_override": VERSIONED["compute_endpoint_override"]},
        },
        "south",
    ]
    about = {"profile": "mine", "auth": auth, "regions": regions}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"x": about}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    found = clouds_yaml.region(clouds_yaml.read(), "x")
    config = ServiceConfig(found)
    assert found.config["auth"]["auth_url"] == AUTH["auth_url"]
    assert config.endpoint_filter("image") | {"service_type": ""} == {
        "service_type": "",
        "interface": "admin",
        "region_name": "north",
    }
    assert config.endpoint("compute", None) == VERSIONED["compute_endpoint_override"]


def test_the_environment_alone_defines_a_cloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "none.yaml"))
    monkeypatch.setattr("openstack.config.loader.CONFIG_FILES", [])
    for name, value in AUTH.items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)
    monkeypatch.setenv("OS_COMPUTE_ENDPOINT_OVERRIDE", VERSIONED["compute_endpoint_override"])
    config = clouds_yaml.read()
    assert clouds_yaml.default_name(config) == "envvars"
    found = ServiceConfig(clouds_yaml.region(config, "envvars"))
    assert found.endpoint("compute", None) == VERSIONED["compute_endpoint_override"]


def test_without_keystone_an_override_is_used_as_it_is(fake: FakeCloud) -> None:
    url = "http://alive.example/standalone/cinder"
    http = requests.Session()
    mount(fake, http, "http://alive.example")  # which answers 404 there
    config = ServiceConfig(region(block_storage_endpoint_override=url))
    client = ApiClient(Session(auth=NoAuth(), session=http), config=config)
    assert client.base("block-storage") == url
