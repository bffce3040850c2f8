"""A load balancer is read after the part of the load balancer that a request has changed."""

from __future__ import annotations

from typing import Any

from tests.unit.calls.test_generic import ID, LB, Stage


def test_the_tree_of_a_part_is_read_after_the_part_has_ended() -> None:
    stage = Stage("load-balancer")

    def listener(status: str) -> tuple[int, Any]:
        shown = {"id": ID, "provisioning_status": status, "loadbalancers": [{"id": LB}]}
        return 200, {"listener": shown}

    pending = listener("PENDING_CREATE")
    stage.script.on("POST /lbaas/listeners", (201, pending[1]))
    stage.script.on(f"GET /lbaas/listeners/{ID}", pending, pending, pending, listener("ACTIVE"))
    balancer = {"loadbalancer": {"id": LB, "provisioning_status": "ACTIVE"}}
    stage.script.on(f"GET /lbaas/loadbalancers/{LB}", (200, balancer))
    future = stage.start("POST", "/lbaas/listeners", {"listener": {}})
    assert stage.end(future)["provisioning_status"] == "ACTIVE"
    read = [str(each.url).rpartition("/")[2] for each in stage.script.sent if each.method == "GET"]
    assert read == [ID] * 4 + [LB]
