"""All tries of a call send the same request."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from tests.sim.fault_profile import FaultProfile
from tests.sim.world import World


def test_each_try_of_a_create_sends_the_same_request(tmp_path: Path) -> None:
    world = World(0, FaultProfile())
    world.cloud.faults.add(Fault("error", operation="server.create", count=2))
    script = tmp_path / "user-data"
    script.write_text("#!/bin/sh\necho hello\n")
    sent: list[dict[str, Any]] = []
    handle = world.cloud.handle

    def noted(request: Request) -> Response:
        if request.method == "POST" and request.path.endswith("/servers"):
            sent.append(json.loads(request.body)["server"])
        return handle(request)

    world.cloud.handle = noted  # type: ignore[method-assign]

    def story() -> None:
        image, flavor = world.an_image(), world.a_flavor()
        mapping = [
            {"source_type": "blank", "destination_type": "local", "volume_size": 1, "boot_index": 1}
        ]
        with script.open() as userdata:
            created = world.nova.servers.create_async_r(
                "x", image, flavor, nics="none", userdata=userdata, block_device_mapping_v2=mapping
            )
        mapping.clear()
        assert world.timeline.wait(created).status == "ACTIVE"

    world.timeline.spawn(story)
    world.run()
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]
    assert base64.b64decode(sent[2]["user_data"]) == script.read_bytes()
    devices = sent[2]["block_device_mapping_v2"]
    assert [each["source_type"] for each in devices] == ["image", "blank"]
