"""Which image, flavor and network a new server gets: what the user names, or a sound default.

Defaults follow Nova's own rules (nova/compute/api.py: _validate_flavor_image_nostatus,
nova/network/neutron.py: _get_available_networks). What the user names is taken as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_osfutures.clients import Resource
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.plugin.lookup import FLAVOR, IMAGE, NETWORK, Lookup
from pytest_osfutures.plugin.options import Settings
from pytest_osfutures.stamp import Stamp

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

GIB = 1024**3
#: Seconds for which the default image and flavor stay the same.
CACHE_SECONDS = 60.0
#: Formats that no server boots from by itself: parts of an image, an installer, an archive.
_NO_DISKS = ("aki", "ari", "iso", "ova", "docker")


class Defaults:
    """Finds what a new server needs."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud = cloud
        self.settings = settings
        self.lookup = Lookup(cloud)

    def check(self) -> None:
        """Raise InvalidArgument if an option names something that does not exist."""
        named: tuple[tuple[str, str | None, Callable[[], object]], ...] = (
            ("image", self.settings.image, partial(self.image, None)),
            ("flavor", self.settings.flavor, partial(self.flavor, None, None)),
            ("network", self.settings.network, self.nics),
        )
        for option, name, find in named:
            try:
                if name:
                    find()
            except InvalidArgument as error:
                raise InvalidArgument(f"--os-{option}: {error}") from None

    def image(self, wanted: Any, flavor: Any = None) -> Any:
        """The image `wanted` (name, id, object or None), as an object.

        None stands for --os-image, or else for the smallest that a server can boot from and that
        `flavor` holds (None: any flavor does). Raises InvalidArgument if there is none.
        """
        wanted = wanted or self.settings.image
        if wanted:
            return self.lookup.find(IMAGE, wanted)
        named = flavor if flavor is not None else self.settings.flavor
        ask = partial(self._default_image, named)
        return self.lookup.cached(("image", str(getattr(named, "id", named))), ask, CACHE_SECONDS)

    def _default_image(self, flavor: Any) -> Any:
        known = self.lookup.all(IMAGE)
        bootable = _of_one_architecture([each for each in known if _boots(each)], self._hosts)
        if not bootable:
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has no active image that a server boots from by "
                f"default (it has {len(known)} others); upload one, or name one"
            )
        flavors = (
            self._flavors()
            if flavor is None
            else [self.lookup.facts(FLAVOR, self.lookup.find(FLAVOR, flavor))]
        )
        bootable.sort(key=lambda image: (image.size, image.name or ""))
        held = (each for each in bootable if any(_holds(one, each) for one in flavors))
        return next(held, bootable[0])

    def _hosts(self) -> set[str]:
        """The architectures of the hosts, as far as the cloud shows them: to administrators."""
        found = self.lookup.ask("compute", "/os-hypervisors/detail", (400, 403, 404)) or {}
        return {_architecture(each) for each in found.get("hypervisors", ())} - {""}

    def _flavors(self) -> list[Any]:
        known = self.lookup.all(FLAVOR)
        return [each for each in known if not each.get("OS-FLV-DISABLED:disabled")]

    def flavor(self, wanted: Any, image: Any, from_volume: bool = False) -> Any:
        """The flavor `wanted` (name, id, object or None), as an object.

        None stands for --os-flavor, or else for the smallest that holds `image`; a server that
        boots `from_volume` needs no disk of the flavor. Raises InvalidArgument if there is none.
        """
        wanted = wanted or self.settings.flavor
        if wanted:
            return self.lookup.find(FLAVOR, wanted)
        ask = partial(self._default_flavor, image, from_volume)
        key = "flavor", str(getattr(image, "id", image)), from_volume
        return self.lookup.cached(key, ask, CACHE_SECONDS)

    def _default_flavor(self, image: Any, from_volume: bool) -> Any:
        about = Resource() if image is None else self.lookup.facts(IMAGE, image)
        # An image of no bytes stands for snapshots of volumes, from which Nova makes volumes.
        from_volume = from_volume or image is None or about.get("size") == 0
        fit = [each for each in self._flavors() if _holds(each, about, from_volume)]
        if not fit:
            disk = "" if from_volume else f" and {-(-_bytes(about) // GIB)} GiB of disk"
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has no flavor with {about.get('min_ram') or 0} MiB of "
                f"memory{disk}, as the image needs"
            )
        return min(fit, key=lambda each: (each.ram, each.vcpus, each.disk, each.name))

    def nics(self, network: Any = None) -> Any:
        """The `nics` of a new server on `network` (name, id, object, auto, none or None).

        None stands for --os-network, else for the only network, else for auto or none. Raises
        InvalidArgument where several could be meant.
        """
        wanted = network or self.settings.network
        if wanted == "none":
            return wanted
        if wanted == "auto":
            self._only(self._networks())  # Nova would answer 409
            return wanted
        if wanted:
            return [{"net-id": self.network(wanted)}]
        if only := self.lookup.cached("default network", self._default_network):
            return [{"net-id": only.id}]
        return "auto" if not self._networks() and self._allocates() else "none"

    def _default_network(self) -> Any:
        # Nova refuses networks without a subnet.
        return self._only([each for each in self._default_networks() if each.get("subnets", True)])

    def network(self, wanted: Any, external: bool = False) -> str:
        """The id of the network `wanted` (name, id, object or None), inside or outside.

        None stands for --os-network if that names one, or else for the only one there is. Raises
        InvalidArgument if there is none, or if several could be meant.
        """
        if not wanted and not external and self.settings.network not in ("auto", "none"):
            wanted = self.settings.network
        if wanted:
            found = self.lookup.find(NETWORK, wanted, partial(_is_external, external))
            if external and isinstance(wanted, str) and not _is_external(True, found):
                raise InvalidArgument(
                    f"unknown external network {wanted!r}: it is inside the cloud"
                )
            return str(found.id)
        known = self._default_networks(external)
        only = self._only(known, "external network" if external else "network")
        if only is None:
            kind = "external network" if external else "network"
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has 0 {kind}s, so name one; there are: none"
            )
        return str(only.id)

    def _only(self, networks: list[Any], kind: str = "network") -> Any:
        """The only one; None if there is none.

        Raises InvalidArgument, which names all, for several.
        """
        if len(networks) > 1:
            names = ", ".join(sorted(f"{each.name} ({each.id})" for each in networks))
            count = f"cloud {self.cloud.name!r} has {len(networks)} {kind}s"
            raise InvalidArgument(f"{count}, so name one; there are: {names}")
        return networks[0] if networks else None

    def _networks(self) -> list[Any]:
        """Among what Nova chooses for `auto`: what is up, and the project's own or shared."""
        project = self.cloud.session.get_project_id()
        return [
            each
            for each in self.lookup.all(NETWORK)
            if each.get("admin_state_up", True)
            and (each.get("shared") or each.get("project_id", project) == project)
        ]

    def _default_networks(self, external: bool = False) -> list[Any]:
        # Networks outside are for everybody, whosever they are.
        known = self.lookup.all(NETWORK) if external else self._networks()
        return [each for each in known if _is_external(external, each) and _stands(each)]

    def _allocates(self) -> bool:
        """Whether the cloud makes a network for a server that asks for `auto`."""
        project = self.cloud.session.get_project_id()
        path = f"/auto-allocated-topology/{project}?fields=dry-run"
        answer = self.cloud.api_client.send("GET", "network", path, None)
        return bool(answer.status_code < 300)


def _stands(each: Any) -> bool:
    """Whether no run has made it: what comes and goes is nobody's default."""
    return Stamp.of(each, described=True) is None


def _is_external(wanted: bool, network: Any) -> bool:
    found = isinstance(network, dict) and network.get("router:external")
    return bool(found) is wanted


def _boots(image: Any) -> bool:
    """Whether an image is a disk that a new server is meant to boot from."""
    formats = image.get("disk_format"), image.get("container_format")
    return (
        _stands(image)
        and bool(image.get("size"))
        and not any(each in _NO_DISKS for each in formats)
        and (formats[0] != "ami" or "kernel_id" in image)
        and "block_device_mapping" not in image
        and image.get("image_type") not in ("snapshot", "backup")
    )


def _of_one_architecture(images: list[Any], ask: Callable[[], set[str]]) -> list[Any]:
    """The images that the hosts can run.

    Images of several architectures among which the cloud does not say what its hosts are: then
    those of the commonest, and those that say nothing.
    """
    count = Counter(each.get("architecture") for each in images)
    count.pop(None, 0)
    if not count:
        return images
    hosts = ask()
    if not hosts and len(count) > 1:
        hosts = {count.most_common(1)[0][0]}
    if not hosts:
        return images
    return [each for each in images if each.get("architecture") in (None, *hosts)]


def _architecture(hypervisor: Any) -> str:
    about = hypervisor.get("cpu_info")
    try:
        about = json.loads(about) if isinstance(about, str) else about
    except ValueError:
        return ""
    return str(about.get("arch") or "") if isinstance(about, dict) else ""


def _bytes(image: Any) -> int:
    """The disk that an image needs, in bytes."""
    disk = (image.get("min_disk") or 0) * GIB
    return int(max(disk, image.get("size") or 0, image.get("virtual_size") or 0))


def _holds(flavor: Any, image: Any, from_volume: bool = False) -> bool:
    """Whether Nova starts a server of this flavor from this image."""
    if flavor.ram < (image.get("min_ram") or 0):
        return False
    # A disk of 0 GiB means "as large as the image", which most clouds refuse to plain members.
    return from_volume or (flavor.disk > 0 and flavor.disk * GIB >= _bytes(image))
