"""Volume groups, group snapshots, replication and failover of backends."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.cinder_client import Cinder


def group(cinder: Cinder, cinder_admin: Cinder, specs: dict[str, str]) -> tuple[str, str]:
    """Return a group that is `available`, with one volume."""
    replicated = {"volume_backend_name": "fast", "replication_enabled": "<is> True"}
    name = f"r{len(cinder.cloud.block_storage.types)}"
    cinder_admin("POST", "/types", {"volume_type": {"name": name, "extra_specs": replicated}})
    kind = {"group_type": {"name": name, "group_specs": specs}}
    type_id = cinder_admin("POST", "/group_types", kind).body["group_type"]["id"]
    made = cinder.make("group", name="g", group_type=type_id, volume_types=[name])
    assert cinder.statuses("group", made) == ["creating", "available"]
    return made, cinder.volume(volume_type=name, group_id=made)


def test_groups(cinder: Cinder, cinder_admin: Cinder) -> None:
    made, volume = group(cinder, cinder_admin, {})
    assert cinder("DELETE", f"/volumes/{volume}").status == 400
    assert cinder("PUT", f"/groups/{made}", {"group": {"remove_volumes": volume}}).status == 202
    assert cinder.statuses("group", made) == ["updating", "available"]
    assert cinder.show("volume", volume)["group_id"] is None
    assert cinder("PUT", f"/groups/{made}", {"group": {"add_volumes": volume}}).status == 202
    cinder.wait()
    path = f"/groups/{made}/action"
    assert cinder.error(cinder("POST", path, {"delete": {"delete-volumes": False}}))[0] == 400
    assert cinder("POST", path, {"delete": {"delete-volumes": True}}).status == 202
    assert cinder.status("volume", volume) == "deleting"
    assert cinder.statuses("group", made) == ["deleting", "404"]
    assert cinder.status("volume", volume) == "404"


def test_group_snapshots(cinder: Cinder, cinder_admin: Cinder) -> None:
    made, volume = group(cinder, cinder_admin, {})
    snapshot = cinder.make("group_snapshot", group_id=made, name="gs")
    assert cinder.statuses("group_snapshot", snapshot) == ["creating", "available"]
    (inside,) = cinder.get("/snapshots")["snapshots"]
    assert (inside["volume_id"], inside["status"]) == (volume, "available")
    assert cinder("DELETE", f"/snapshots/{inside['id']}").status == 400
    source = {"create-from-src": {"group_snapshot_id": snapshot, "name": "copy"}}
    copy = cinder("POST", "/groups/action", source).body["group"]["id"]
    assert cinder("DELETE", f"/group_snapshots/{snapshot}").status == 400
    cinder.wait()
    copied = [v for v in cinder.get("/volumes/detail")["volumes"] if v["group_id"] == copy]
    assert [v["snapshot_id"] for v in copied] == [inside["id"]]
    assert cinder("DELETE", f"/group_snapshots/{snapshot}").status == 202
    assert cinder.statuses("group_snapshot", snapshot) == ["deleting", "404"]
    assert cinder.get("/snapshots") == {"snapshots": []}


@pytest.mark.parametrize(
    ("operation", "end"),
    [("group.create", "error"), ("group_snapshot.create", "error")],
)
def test_group_operations_fail_by_fault_rules(
    cinder: Cinder, cinder_admin: Cinder, operation: str, end: str
) -> None:
    kind = operation.split(".")[0]
    default = cinder_admin.get("/group_types/default")["group_type"]["id"]
    if kind == "group":
        cinder.cloud.faults.add(Fault("error", operation=operation))
        made = cinder.make("group", group_type=default, volume_types=["fast"])
    else:
        cinder.cloud.faults.add(Fault("error", operation=operation))
        made = cinder.make("group_snapshot", group_id=group(cinder, cinder_admin, {})[0])
    cinder.wait()
    assert cinder.status(kind, made) == end


REPLICATED = {"group_replication_enabled": "<is> True"}


def test_replication(cinder: Cinder, cinder_admin: Cinder) -> None:
    made, volume = group(cinder, cinder_admin, REPLICATED)
    path = f"/groups/{made}/action"

    def change(verb: str) -> list[str]:
        assert cinder_admin("POST", path, {f"{verb}_replication": {}}).status == 202
        seen = [cinder.show("group", made)["replication_status"]]
        cinder.wait()
        return [*seen, cinder.show("group", made)["replication_status"]]

    assert cinder.show("group", made)["replication_status"] == "enabled"
    assert change("disable") == ["disabling", "disabled"]
    assert change("enable") == ["enabling", "enabled"]
    assert cinder.show("volume", volume)["replication_status"] == "enabled"
    assert change("failover") == ["failing-over", "failed-over"]
    targets = cinder_admin("POST", path, {"list_replication_targets": {}}).body
    assert targets == {"replication_targets": [{"backend_id": "secondary"}]}
    assert cinder_admin("POST", path, {"disable_replication": {}}).status == 400
    back = {"failover_replication": {"secondary_backend_id": "default"}}
    assert cinder_admin("POST", path, back).status == 202
    cinder.wait()
    assert cinder.show("group", made)["replication_status"] == "enabled"
    assert cinder_admin("POST", path, {"enable_replication": {}}, "3.37").status == 404


@pytest.mark.parametrize(("verb", "end"), [("enable", "error"), ("failover", "failover-error")])
def test_replication_fails_by_fault_rules(
    cinder: Cinder, cinder_admin: Cinder, verb: str, end: str
) -> None:
    made, _ = group(cinder, cinder_admin, REPLICATED)
    path = f"/groups/{made}/action"
    cinder.cloud.faults.add(Fault("error", operation=f"group.{verb}_replication"))
    cinder_admin("POST", path, {f"{verb}_replication": {}})
    cinder.wait()
    assert cinder.show("group", made)["replication_status"] == end


def test_consistency_groups(cinder: Cinder) -> None:
    body = {"consistencygroup": {"name": "cg", "volume_types": "fast"}}
    made = cinder("POST", "/consistencygroups", body).body["consistencygroup"]["id"]
    path = f"/consistencygroups/{made}"
    assert cinder.get(path)["consistencygroup"]["status"] == "creating"
    cinder.wait()
    volume = cinder.volume(consistencygroup_id=made, volume_type="fast")
    assert cinder.show("volume", volume)["consistencygroup_id"] == made
    taken = {"cgsnapshot": {"consistencygroup_id": made}}
    snapshot = cinder("POST", "/cgsnapshots", taken).body["cgsnapshot"]["id"]
    cinder.wait()
    assert cinder.get(f"/cgsnapshots/{snapshot}")["cgsnapshot"]["status"] == "available"
    source = {"consistencygroup-from-src": {"cgsnapshot_id": snapshot}}
    assert cinder("POST", "/consistencygroups/create_from_src", source).status == 202
    cinder.wait()
    assert len(cinder.get("/consistencygroups/detail")["consistencygroups"]) == 2
    assert cinder("DELETE", f"/cgsnapshots/{snapshot}").status == 202
    cinder.wait()
    assert cinder("PUT", f"{path}/update", {"consistencygroup": {}}).status == 400
    removal = {"consistencygroup": {"remove_volumes": volume}}
    assert cinder("PUT", f"{path}/update", removal).status == 202
    cinder.wait()
    assert cinder("POST", f"{path}/delete", {"consistencygroup": {"force": False}}).status == 202
    cinder.wait()
    assert cinder("GET", path).status == 404


def service(cinder_admin: Cinder, host: str = "cinder1@fast") -> dict[str, Any]:
    rows = cinder_admin.get("/os-services")["services"]
    return next(dict(row) for row in rows if row["host"] == host)


@pytest.mark.parametrize(("effect", "end"), [(None, "failed-over"), ("error", "failover-error")])
def test_backend_fails_over_and_back(cinder_admin: Cinder, effect: str | None, end: str) -> None:
    if effect:
        cinder_admin.cloud.faults.add(Fault(effect, operation="service.failover"))
    body = {"host": "cinder1@fast"}
    assert cinder_admin("PUT", "/os-services/failover_host", body).status == 202
    assert service(cinder_admin)["replication_status"] == "failing-over"
    assert cinder_admin("PUT", "/os-services/failover", body).status == 400
    cinder_admin.wait()
    assert service(cinder_admin)["replication_status"] == end
    if effect is None:
        back = body | {"backend_id": "default"}
        assert cinder_admin("PUT", "/os-services/failover", back).status == 202
        cinder_admin.wait()
        assert service(cinder_admin)["replication_status"] == "enabled"
    unknown = cinder_admin("PUT", "/os-services/failover_host", {"host": "nope"})
    assert cinder_admin.error(unknown) == (400, "No service found with host=nope")


def test_frozen_backend_rejects_changes(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume()
    body = {"host": "cinder1@fast"}
    assert cinder("PUT", "/os-services/freeze", body).status == 403
    assert cinder_admin("PUT", "/os-services/freeze", body).status == 202
    assert service(cinder_admin)["frozen"] is True
    said = "Modification operations are not allowed on frozen storage backends."
    refused = cinder("DELETE", f"/volumes/{volume}")
    assert cinder.error(refused) == (400, f"Invalid input received: {said}")
    assert cinder_admin("PUT", "/os-services/thaw", body).status == 202
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
