"""Foreign resources: the same names, similar metadata, and stamps of living runs."""

from __future__ import annotations

import time
from typing import Any

from pytest_osfutures.stamp import Stamp, new_id
from pytest_osfutures.transport.client import ApiClient
from tests.chaos.suite import World, until

RUN = "0123456789abcdef"
ORDER = ("server", "keypair", "image", "snapshot", "volume")


def _marks(number: int) -> dict[str, str]:
    """Return metadata: the stamp of a living run, an incomplete stamp, or none."""
    stamp = Stamp(new_id(), new_id(), int(time.time()) + 36000)
    return [
        stamp.metadata(),
        {"osf_run": RUN, "purpose": "osf_op"},
        {"osf_run": RUN, "osf_op": new_id(), "osf_expires": "soon"},
        {},
    ][number % 4]


class ForeignResources:
    """Servers, volumes, snapshots, images and keypairs that no cleanup may touch."""

    def __init__(self, world: World, api_client: ApiClient) -> None:
        self.world = world
        self.api_client = api_client
        self.paths: dict[str, dict[str, tuple[str, str]]] = {kind: {} for kind in ORDER}

    def create(self, count: int, image: str | None = None) -> None:
        """Let so many be there, and ready; the servers of the image of this name."""
        images = self._send("GET", "image", "/images")["images"]
        images = [each["id"] for each in images if image in (None, each["name"])]
        flavor = self._send("GET", "compute", "/flavors")["flavors"][0]["id"]
        for number in range(count // 5):
            marks = _marks(number)
            server = {"name": "web", "imageRef": images[0], "flavorRef": flavor, "metadata": marks}
            body = {"server": {**server, "networks": "none"}}
            self._make("server", "compute", "/servers", body, "2.37")
            picture = {"name": "image", "container_format": "bare", "disk_format": "raw", **marks}
            self._make("image", "image", "/images", picture)
            stamp = Stamp(new_id(), new_id(), int(time.time()) + 36000)
            name = stamp.name("key") if number % 2 else f"osf-{RUN}-{number}-key"
            self._make("keypair", "compute", "/os-keypairs", {"keypair": {"name": name}})
            volume = {"name": "disk", "size": 1, "metadata": marks}
            self._make("volume", "block-storage", "/volumes", {"volume": volume})
        self._wait_for("volume", "available")
        for number, ident in enumerate(self.paths["volume"]):
            snapshot = {"volume_id": ident, "name": "snap", "metadata": _marks(number)}
            self._make("snapshot", "block-storage", "/snapshots", {"snapshot": snapshot})
        self._wait_for("snapshot", "available")
        self._wait_for("server", "ACTIVE")

    def delete_all(self) -> None:
        """Delete them all."""
        for kind, paths in self.paths.items():
            for service, path in paths.values():
                assert self.api_client.send("DELETE", service, path, None).status_code < 300
            until(lambda: not self.seen(kind), f"the end of the foreign {kind}s")  # noqa: B023

    def seen(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """Return the foreign resources as the cloud shows them now, by id."""
        ours = {ident for kind in kinds or ORDER for ident in self.paths[kind]}
        return {key: row for key, row in self.world.everything().items() if key in ours}

    def _make(self, kind: str, service: str, path: str, body: Any, version: str = "") -> None:
        answer = self._send("POST", service, path, body, version)
        made = answer.get(kind, answer)
        ident = made["name" if kind == "keypair" else "id"]
        self.paths[kind][ident] = (service, f"{path}/{ident}")

    def _send(
        self, method: str, service: str, path: str, body: Any = None, version: str = ""
    ) -> Any:
        answer = self.api_client.send(method, service, path, body, version)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def _wait_for(self, kind: str, status: str) -> None:
        def ready() -> bool:
            found = self.seen(kind).values()
            return len(found) == len(self.paths[kind]) and all(
                row["status"] == status for row in found
            )

        until(ready, f"the foreign {kind}s")
