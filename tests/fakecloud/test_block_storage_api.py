"""Cinder's API apart from lifecycles: metadata, lists, types, quotas, messages, errors."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.cinder_client import SERVER, Cinder


def test_flags_and_image_metadata(cinder: Cinder) -> None:
    volume = cinder.volume()
    assert cinder.act(volume, "os-set_bootable", bootable=True).status == 200
    cinder.begin(volume, "os-update_readonly_flag", readonly=True)
    shown = cinder.show("volume", volume)
    assert (shown["bootable"], shown["metadata"]) == ("true", {"readonly": "True"})
    assert cinder.get(f"/volumes/{volume}/metadata") == {"metadata": {}}
    empty = {"os-show_image_metadata": None}
    assert cinder("POST", f"/volumes/{volume}/action", empty).status == 404
    assert cinder.act(volume, "os-set_image_metadata", metadata={"k": "v"}).status == 200
    assert cinder("POST", f"/volumes/{volume}/action", empty).body == {"metadata": {"k": "v"}}
    assert cinder.act(volume, "os-unset_image_metadata", key="k").status == 200
    assert "volume_image_metadata" not in cinder.show("volume", volume)


def test_metadata(cinder: Cinder) -> None:
    volume = cinder.volume(metadata={"a": "b"})
    path = f"/volumes/{volume}/metadata"
    assert cinder("PUT", f"{path}/x", {"meta": {"x": "y"}}).body == {"meta": {"x": "y"}}
    assert cinder("PUT", f"{path}/x", {"meta": {"z": "y"}}).status == 400
    added = cinder("POST", path, {"metadata": {"q": "1"}}).body["metadata"]
    assert added == {"a": "b", "x": "y", "q": "1"}
    assert cinder("PUT", path, {"metadata": {"only": "1"}}).body == {"metadata": {"only": "1"}}
    assert cinder.get(f"{path}/only") == {"meta": {"only": "1"}}
    assert cinder("DELETE", f"{path}/only").status == 200
    assert cinder.error(cinder("DELETE", f"{path}/only")) == (
        404,
        f"Volume {volume} has no metadata with key only.",
    )
    snapshot = cinder.snapshot(volume, metadata={"k": "v"})
    assert cinder.error(cinder("GET", f"/snapshots/{snapshot}/metadata/no")) == (
        404,
        f"Snapshot {snapshot} has no metadata with key no.",
    )


@pytest.mark.parametrize(
    ("version", "added"),
    [
        ("3.12", set()),
        ("3.13", {"group_id"}),
        ("3.47", set()),
        ("3.48", {"shared_targets", "service_uuid"}),
        ("3.63", {"volume_type_id"}),
        ("3.65", {"consumes_quota"}),
    ],
)
def test_fields_by_microversion(cinder: Cinder, version: str, added: set[str]) -> None:
    volume = cinder.volume()
    minor = int(version.split(".")[1])
    now = set(cinder("GET", f"/volumes/{volume}", None, version).body["volume"])
    before = set(cinder("GET", f"/volumes/{volume}", None, f"3.{minor - 1}").body["volume"])
    assert now - before == added


def test_fields_for_administrators_only(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume()
    assert set(cinder_admin.show("volume", volume)) - set(cinder.show("volume", volume)) == {
        "migration_status",
        "provider_id",
        "cluster_name",
        "os-vol-mig-status-attr:migstat",
        "os-vol-mig-status-attr:name_id",
        "os-vol-host-attr:host",
    }


def test_lists(cinder: Cinder, cinder_admin: Cinder) -> None:
    first, second = cinder.volume(name="a", metadata={"k": "v"}), cinder.volume(name="b")

    def ids(query: str, who: Cinder = cinder) -> list[str]:
        return [row["id"] for row in who.get(f"/volumes/detail?{query}")["volumes"]]

    assert ids("") == [second, first]
    assert ids("sort=name:asc") == [first, second]
    assert ids("sort_key=size&sort_dir=asc") == sorted([first, second])
    assert ids("metadata={'k': 'v'}") == [first]
    assert ids("status=available&name=b") == [second]
    assert ids("bootable=true") == []
    assert ids("created_at=gt:2000-01-01T00:00:00") == [second, first]
    assert ids("limit=1&offset=1") == [first]
    assert ids("limit=0") == []
    assert ids("", cinder_admin) == []
    assert ids("all_tenants=1", cinder_admin) == [second, first]
    summary = cinder.get("/volumes/summary")["volume-summary"]
    assert summary == {"total_count": 2, "total_size": 2, "metadata": {"k": ["v"]}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=-1", "limit param must be positive"),
        ("limit=x", "limit param must be an integer"),
        ("sort=foo:asc", "Invalid input received: Invalid sort key"),
        ("foo=bar", "Invalid filters foo are found in query options."),
        ("bootable=foo", "Invalid input received: 'bootable = foo'"),
    ],
)
def test_invalid_list_queries_are_rejected(cinder: Cinder, query: str, said: str) -> None:
    cinder.volume()
    assert cinder.error(cinder("GET", f"/volumes?{query}")) == (400, said)


@pytest.mark.parametrize(
    ("volume", "status", "said"),
    [
        ({"size": 1, "imageRef": "nope"}, 400, "Invalid image identifier or unable to access "
         "requested image."),
        ({"size": 1, "availability_zone": "mars"}, 400, "Availability zone 'mars' is invalid."),
        ({"size": 1, "foo": 1}, 400, "Invalid input for field/attribute volume. Value: {'size': "
         "1, 'foo': 1}. Additional properties are not allowed ('foo' was unexpected)"),
        ({"size": "x"}, 400, "Invalid input for field/attribute size. Value: x. 'x' does not "
         "match '^[0-9]+$'"),
        ({"size": 1, "metadata": {"a": 1}}, 400, "Invalid input for field/attribute a. Value: 1. "
         "1 is not of type 'string'"),
        ({"size": 1, "name": "a" * 300}, 400, "Invalid input received: name has 300 characters, "
         "more than 255."),
        ({"size": 1, "source_volid": SERVER}, 404, f"Volume {SERVER} could not be found."),
        ({"size": 1, "backup_id": SERVER}, 404, f"Backup {SERVER} could not be found."),
        ({"size": 1, "group_id": SERVER}, 404, f"Group {SERVER} could not be found."),
    ],
)  # fmt: skip
def test_invalid_creates_are_rejected(
    cinder: Cinder, volume: dict[str, Any], status: int, said: str
) -> None:
    assert cinder.error(cinder("POST", "/volumes", {"volume": volume})) == (status, said)


def test_invalid_actions_are_rejected(cinder: Cinder) -> None:
    volume = cinder.volume()
    path = f"/volumes/{volume}/action"
    assert cinder.error(cinder("POST", path, {})) == (400, "Malformed request body")
    assert cinder.error(cinder.act(volume, "os-nothing")) == (
        400,
        "There is no such action: os-nothing. Verify the request body and Content-Type header "
        "and try again.",
    )
    assert cinder.error(cinder("POST", path, {"os-extend": {}})) == (
        400,
        "Invalid input for field/attribute os-extend. Value: {}. 'new_size' is a required property",
    )
    assert cinder.error(cinder.act(volume, "os-migrate_volume", host="x")) == (
        403,
        "Policy doesn't allow volume_extension:volume_admin_actions:migrate_volume to be "
        "performed.",
    )
    assert cinder.error(cinder.act(volume, "revert", snapshot_id="x")) == (
        400,
        f"Volume {volume} doesn't have any snapshots.",
    )


def test_foreign_project_in_the_path_is_rejected(cinder: Cinder, cinder_admin: Cinder) -> None:
    url = f"/volume/v3/{cinder_admin.client.project_id}/volumes"
    assert cinder.error(cinder.client("GET", url)) == (400, "Malformed request url")
    assert cinder.client.get("/volume/v3/volumes") == {"volumes": []}


@pytest.mark.parametrize(
    ("quota", "limit", "said"),
    [
        ("volumes", 1, "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for "
         "quota 'volumes'."),
        ("gigabytes", 2, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds "
         "allowed gigabytes quota. Requested 2G, quota is 2G and 1G has been consumed."),
        ("gigabytes_fast", 2, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot "
         "exceeds allowed gigabytes_fast quota. Requested 2G, quota is 2G and 1G has been "
         "consumed."),
        ("per_volume_gigabytes", 1, "VolumeSizeExceedsLimit: Requested volume size 2G is larger "
         "than maximum allowed limit 1G."),
    ],
)  # fmt: skip
def test_quotas(cinder: Cinder, cinder_admin: Cinder, quota: str, limit: int, said: str) -> None:
    first = cinder.volume()
    project = cinder.client.project_id
    path = f"/os-quota-sets/{project}"
    assert cinder("PUT", path, {"quota_set": {quota: limit}}).status == 403
    assert cinder_admin("PUT", path, {"quota_set": {quota: limit}}).status == 200
    response = cinder("POST", "/volumes", {"volume": {"size": 2}})
    assert cinder.error(response) == (413, said)
    assert response.headers["Retry-After"] == "0"
    usage = cinder.get(f"{path}?usage=True")["quota_set"]
    assert usage["volumes"]["in_use"] == usage["gigabytes_fast"]["in_use"] == 1
    cinder("DELETE", f"/volumes/{first}")
    cinder_admin("DELETE", path)
    assert cinder("POST", "/volumes", {"volume": {"size": 2}}).status == 202


def test_quotas_of_snapshots_backups_and_extends(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.cloud.settings.quotas |= {"snapshots": 0, "backups": 0, "gigabytes": 2}
    refusals = [
        cinder("POST", "/snapshots", {"snapshot": {"volume_id": volume}}),
        cinder("POST", "/backups", {"backup": {"volume_id": volume}}),
        cinder.act(volume, "os-extend", new_size=3),
    ]
    assert [cinder.error(response) for response in refusals] == [
        (413, "SnapshotLimitExceeded: Maximum number of snapshots allowed (0) exceeded"),
        (413, "BackupLimitExceeded: Maximum number of backups allowed (0) exceeded"),
        (
            413,
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed "
            "gigabytes quota. Requested 2G, quota is 2G and 1G has been consumed.",
        ),
    ]
    assert cinder.status("volume", volume) == "available"


def test_types(cinder: Cinder, cinder_admin: Cinder) -> None:
    assert cinder.get("/types/default")["volume_type"]["name"] == "fast"
    body = {"volume_type": {"name": "t", "os-volume-type-access:is_public": False}}
    assert cinder("POST", "/types", body).status == 403
    kind = cinder_admin("POST", "/types", body).body["volume_type"]["id"]
    assert cinder("GET", f"/types/{kind}").status == 404
    access = {"addProjectAccess": {"project": cinder.client.project_id}}
    assert cinder_admin("POST", f"/types/{kind}/action", access).status == 202
    assert cinder.get(f"/types/{kind}")["volume_type"]["name"] == "t"
    cinder_admin("POST", f"/types/{kind}/extra_specs", {"extra_specs": {"q": "r"}})
    cinder_admin("PUT", f"/types/{kind}/extra_specs/q", {"q": "s"})
    assert cinder_admin.get(f"/types/{kind}/extra_specs/q") == {"q": "s"}
    assert cinder_admin("DELETE", f"/types/{kind}/extra_specs/q").status == 202
    assert cinder_admin("GET", f"/types/{kind}/extra_specs/q").status == 404
    cinder.volume(volume_type="t")
    assert cinder_admin("DELETE", f"/types/{kind}").status == 400


def test_messages_are_private_to_their_project(cinder: Cinder, cinder_admin: Cinder) -> None:
    cinder.cloud.faults.add(Fault("error", operation="volume.create"))
    volume = cinder.volume()
    cinder_admin.volume()
    (message,) = cinder.get("/messages")["messages"]
    assert message["resource_uuid"] == volume
    assert len(cinder_admin.get("/messages")["messages"]) == 2
    assert cinder.get(f"/messages/{message['id']}")["message"]["message_level"] == "ERROR"
    assert cinder("DELETE", f"/messages/{message['id']}").status == 204
    assert cinder.error(cinder("GET", "/messages/nope")) == (
        404,
        "Message nope could not be found.",
    )


def test_cinder_versions_services_and_pools(cinder: Cinder, cinder_admin: Cinder) -> None:
    assert cinder("GET", "/os-services").status == 403
    hosts = {row["host"] for row in cinder_admin.get("/os-services")["services"]}
    assert hosts == {"cinder1", "cinder1@fast", "cinder1@slow"}
    cinder_admin.volume(size=3)
    pools = cinder_admin.get("/scheduler-stats/get_pools?detail=true")["pools"]
    allocated = {pool["name"]: pool["capabilities"]["allocated_capacity_gb"] for pool in pools}
    assert allocated == {"cinder1@fast#fast": 3, "cinder1@slow#slow": 0}
    assert any(row["alias"] == "backups" for row in cinder.get("/extensions")["extensions"])
    assert cinder.get("/resource_filters?resource=backup")["resource_filters"] == [
        {"resource": "backup", "filters": ["name", "status", "volume_id"]}
    ]
    root = cinder.client("GET", "/volume/")
    assert root.body["versions"][0]["version"] == "3.71"


def test_qos_specs(cinder: Cinder, cinder_admin: Cinder) -> None:
    assert cinder("GET", "/qos-specs").status == 403
    body = {"qos_specs": {"name": "q", "consumer": "back-end", "a": "b"}}
    made = cinder_admin("POST", "/qos-specs", body).body["qos_specs"]
    assert made["specs"] == {"a": "b"}
    assert cinder_admin("POST", "/qos-specs", body).status == 409
    path = f"/qos-specs/{made['id']}"
    assert cinder_admin("PUT", path, {"qos_specs": {"c": "d"}}).body == {"qos_specs": {"c": "d"}}
    assert cinder_admin("PUT", f"{path}/delete_keys", {"keys": ["a"]}).status == 202
    assert cinder_admin.get(path)["qos_specs"]["specs"] == {"c": "d"}
    kind = cinder_admin.get("/types/default")["volume_type"]["id"]
    assert cinder_admin("GET", f"{path}/associate?vol_type_id={kind}").status == 202
    assert cinder_admin.get(f"/types/{kind}")["volume_type"]["qos_specs_id"] == made["id"]
    (row,) = cinder_admin.get(f"{path}/associations")["qos_associations"]
    assert row == {"association_type": "volume_type", "name": "fast", "id": kind}
    assert cinder_admin.error(cinder_admin("DELETE", path)) == (400, "Qos specs still in use.")
    assert cinder_admin("GET", f"{path}/disassociate_all").status == 202
    assert cinder_admin("DELETE", path).status == 202
    assert cinder_admin.error(cinder_admin("GET", path)) == (404, f"No such QoS spec {made['id']}.")


def test_default_types(cinder: Cinder, cinder_admin: Cinder) -> None:
    path = f"/default-types/{cinder.client.project_id}"
    assert cinder("GET", path).status == 403
    assert cinder_admin("PUT", path, {"default_type": {"volume_type": "slow"}}).status == 200
    assert cinder.show("volume", cinder.volume())["volume_type"] == "slow"
    assert cinder_admin.show("volume", cinder_admin.volume())["volume_type"] == "fast"
    assert len(cinder_admin.get("/default-types")["default_types"]) == 1
    assert cinder_admin("DELETE", path).status == 204
    assert cinder.get("/types/default")["volume_type"]["name"] == "fast"


def test_quota_classes_and_capabilities(cinder: Cinder, cinder_admin: Cinder) -> None:
    path = "/os-quota-class-sets/default"
    changed = cinder_admin("PUT", path, {"quota_class_set": {"volumes": 7}}).body["quota_class_set"]
    assert changed["volumes"] == cinder_admin.get(path)["quota_class_set"]["volumes"] == 7
    assert cinder.get("/limits")["limits"]["absolute"]["maxTotalVolumes"] == 7
    assert cinder_admin.get("/capabilities/cinder1@fast")["volume_backend_name"] == "fast"
    assert cinder_admin("GET", "/capabilities/nowhere").status == 404
    assert cinder_admin.get("/clusters") == {"clusters": []}
