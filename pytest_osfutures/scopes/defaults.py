"""The image, flavor and network of a new server: as named, or a default.

Defaults follow Nova's own rules, so that Nova accepts them:
https://opendev.org/openstack/nova/src/branch/master/nova/compute/api.py
(`_validate_flavor_image_nostatus`) and
https://opendev.org/openstack/nova/src/branch/master/nova/network/neutron.py
(`_get_available_networks`). A named resource is used without such checks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.parsing import mappings
from pytest_osfutures.protocols import Resource
from pytest_osfutures.scopes.lookup import FLAVOR, IMAGE, NETWORK, Lookup
from pytest_osfutures.scopes.settings import RunSettings
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import is_invisible, is_success

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

GIB = 1024**3
#: Seconds for which the default image, flavor and network stay the same.
DEFAULTS_CACHE_SECONDS = 60.0
#: Disk and container formats that no server boots from alone: kernels, installers, archives
#: (https://docs.openstack.org/glance/latest/user/formats.html).
_NOT_BOOTABLE = ("aki", "ari", "iso", "ova", "docker")


class Defaults:
    """Image, flavor and network of a new server on one cloud.

    Args:
        cloud: the cloud.
        settings: the values of --os-image, --os-flavor and --os-network.
    """

    def __init__(self, cloud: Cloud, settings: RunSettings) -> None:
        self.cloud = cloud
        self.settings = settings
        self.lookup = Lookup(cloud)

    def check(self, option: Callable[[str], str] = "--os-{}".format) -> None:
        """Check that the resources of the settings exist.

        Args:
            option: returns what the user calls a setting.

        Raises:
            InvalidArgument: a resource is unknown or ambiguous; the text names the option.
        """
        named: tuple[tuple[str, str | None, Callable[[], object]], ...] = (
            ("image", self.settings.image, partial(self.image, None)),
            ("flavor", self.settings.flavor, partial(self.flavor, None, None)),
            ("network", self.settings.network, self.nics),
        )
        for setting, name, find in named:
            try:
                if name:
                    find()
            except InvalidArgument as error:
                raise InvalidArgument(f"{option(setting)}: {error}") from None

    def image(self, wanted: Any, flavor: Any = None) -> Any:
        """Return an image.

        Args:
            wanted: name, id or object; None is --os-image, else the smallest bootable image.
            flavor: name, id or object of the flavor whose disk the default image fits; None is
                any flavor.

        Raises:
            InvalidArgument: there is no such image.
        """
        wanted = wanted or self.settings.image
        if wanted:
            return self.lookup.find(IMAGE, wanted)
        named = flavor if flavor is not None else self.settings.flavor
        find = partial(self._default_image, named)
        key = "image", str(getattr(named, "id", named))
        return self.lookup.cached(key, find, DEFAULTS_CACHE_SECONDS)

    def _default_image(self, flavor: Any) -> Any:
        images = self.lookup.all(IMAGE)
        bootable = _of_one_architecture(
            [each for each in images if _is_bootable(each)], self._host_architectures
        )
        if not bootable:
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has no active image that a server boots from by "
                f"default (it has {len(images)} others); upload one, or name one"
            )
        flavors = (
            self._flavors()
            if flavor is None
            else [self.lookup.details(FLAVOR, self.lookup.find(FLAVOR, flavor))]
        )
        bootable.sort(key=lambda image: (image.size, image.name or ""))
        fitting = (each for each in bootable if any(_fits(one, each) for one in flavors))
        return next(fitting, bootable[0])

    def _host_architectures(self) -> set[str]:
        """Return the architectures of the hypervisors; only administrators may list them."""
        path = "/os-hypervisors/detail"
        found = self.lookup.read("compute", path, missing=is_invisible) or {}
        return {_architecture(each) for each in mappings(found.get("hypervisors"))} - {""}

    def _flavors(self) -> list[Any]:
        flavors = self.lookup.all(FLAVOR)
        return [each for each in flavors if not each.get("OS-FLV-DISABLED:disabled")]

    def flavor(self, wanted: Any, image: Any, from_volume: bool = False) -> Any:
        """Return a flavor.

        Args:
            wanted: name, id or object; None is --os-flavor, else the smallest that fits.
            image: the image that the default flavor fits.
            from_volume: True if the server boots from a volume and needs no disk of the flavor.

        Raises:
            InvalidArgument: there is no such flavor.
        """
        wanted = wanted or self.settings.flavor
        if wanted:
            return self.lookup.find(FLAVOR, wanted)
        find = partial(self._default_flavor, image, from_volume)
        key = "flavor", str(getattr(image, "id", image)), from_volume
        return self.lookup.cached(key, find, DEFAULTS_CACHE_SECONDS)

    def _default_flavor(self, image: Any, from_volume: bool) -> Any:
        details = Resource() if image is None else self.lookup.details(IMAGE, image)
        # An image without bytes refers to snapshots of volumes; Nova creates volumes from them.
        from_volume = from_volume or image is None or details.get("size") == 0
        fitting = [each for each in self._flavors() if _fits(each, details, from_volume)]
        if not fitting:
            disk = "" if from_volume else f" and {-(-_disk_bytes(details) // GIB)} GiB of disk"
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has no flavor with {details.get('min_ram') or 0} MiB "
                f"of memory{disk}, as the image needs"
            )
        return min(fitting, key=lambda each: (each.ram, each.vcpus, each.disk, each.name))

    def nics(self, network: Any = None) -> Any:
        """Return the `nics` argument of a new server.

        Args:
            network: name, id or object, `auto` or `none`; None is --os-network, else the only
                network, else `auto` if the cloud can allocate a network, else `none`.

        Raises:
            InvalidArgument: the network is unknown, or several networks could be the default.
        """
        wanted = network or self.settings.network
        if wanted == "none":
            return wanted
        if wanted == "auto":
            self._only(self._available_networks())  # Nova answers 409 if there are several
            return wanted
        if wanted:
            return [{"net-id": self.network(wanted)}]
        default = "default network"
        if only := self.lookup.cached(default, self._default_network, DEFAULTS_CACHE_SECONDS):
            return [{"net-id": only.id}]
        return "auto" if not self._available_networks() and self._allocates() else "none"

    def _default_network(self) -> Any:
        # Nova refuses a network without a subnet.
        return self._only([each for each in self._default_networks() if each.get("subnets", True)])

    def network(self, wanted: Any, external: bool = False) -> str:
        """Return the id of a network.

        Args:
            wanted: name, id or object; None is --os-network if that names a network, else the
                only network.
            external: True for an external network.

        Raises:
            InvalidArgument: the network is unknown, or several networks could be the default.
        """
        if not wanted and not external and self.settings.network not in ("auto", "none"):
            wanted = self.settings.network
        if wanted:
            return self._named_network(wanted, external)
        kind = "external network" if external else "network"
        only = self._only(self._default_networks(external), kind)
        if only is None:
            raise InvalidArgument(
                f"cloud {self.cloud.name!r} has 0 {kind}s, so name one; there are: none"
            )
        return str(only.id)

    def _named_network(self, wanted: Any, external: bool) -> str:
        found = self.lookup.find(NETWORK, wanted, partial(_is_external, external))
        if external and isinstance(wanted, str) and not _is_external(True, found):
            raise InvalidArgument(f"unknown external network {wanted!r}: it is inside the cloud")
        return str(found.id)

    def _only(self, networks: list[Any], kind: str = "network") -> Any:
        """Return the only network of a list, or None if the list is empty.

        Raises:
            InvalidArgument: there are several networks; the text names all.
        """
        if len(networks) > 1:
            names = ", ".join(sorted(f"{each.name} ({each.id})" for each in networks))
            count = f"cloud {self.cloud.name!r} has {len(networks)} {kind}s"
            raise InvalidArgument(f"{count}, so name one; there are: {names}")
        return networks[0] if networks else None

    def _available_networks(self) -> list[Any]:
        """Return the networks that Nova considers: up, and of the project or shared."""
        project = self.cloud.session.get_project_id()
        return [
            each
            for each in self.lookup.all(NETWORK)
            if each.get("admin_state_up", True)
            and (each.get("shared") or each.get("project_id", project) == project)
        ]

    def _default_networks(self, external: bool = False) -> list[Any]:
        # Every project may use every external network.
        networks = self.lookup.all(NETWORK) if external else self._available_networks()
        return [each for each in networks if _is_external(external, each) and _is_permanent(each)]

    def _allocates(self) -> bool:
        """Return True if Neutron can allocate a network for a server with `nics="auto"`.

        https://docs.openstack.org/api-ref/network/v2/#auto-allocated-topologies
        """
        project = self.cloud.session.get_project_id()
        path = f"/auto-allocated-topology/{project}?fields=dry-run"
        return (
            self.lookup.read("network", path, missing=lambda status: not is_success(status))
            is not None
        )


def _is_permanent(resource: Any) -> bool:
    """Return True unless a test run has created a resource; such resources are no defaults."""
    return Stamp.of(resource, described=True) is None


def _is_external(wanted: bool, network: Any) -> bool:
    found = isinstance(network, dict) and network.get("router:external")
    return bool(found) is wanted


def _is_bootable(image: Any) -> bool:
    """Return True if an image is a disk with data that a new server can boot from alone."""
    formats = image.get("disk_format"), image.get("container_format")
    return _is_permanent(image) and bool(image.get("size")) and _is_disk(formats, image)


def _is_disk(formats: tuple[str | None, str | None], image: Any) -> bool:
    return (
        not any(each in _NOT_BOOTABLE for each in formats)
        and (formats[0] != "ami" or "kernel_id" in image)
        and "block_device_mapping" not in image
        and image.get("image_type") not in ("snapshot", "backup")
    )


def _of_one_architecture(images: list[Any], ask: Callable[[], set[str]]) -> list[Any]:
    """Return the images that the hosts can run.

    If the cloud does not tell the architectures of its hosts, the most frequent architecture of
    the images counts. Images without an architecture run everywhere.

    Args:
        images: the images.
        ask: asks the cloud for the architectures of the hosts.
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
    """Return the architecture of a hypervisor; before microversion 2.28 `cpu_info` is a string."""
    info = hypervisor.get("cpu_info")
    try:
        info = json.loads(info) if isinstance(info, str) else info
    except ValueError:
        return ""
    return str(info.get("arch") or "") if isinstance(info, dict) else ""


def _disk_bytes(image: Any) -> int:
    """Return the size of the disk that an image needs, in bytes."""
    disk = (image.get("min_disk") or 0) * GIB
    return int(max(disk, image.get("size") or 0, image.get("virtual_size") or 0))


def _fits(flavor: Any, image: Any, from_volume: bool = False) -> bool:
    """Return True if Nova accepts a server with this flavor and this image.

    A flavor with a disk of 0 GiB takes the size of the image; Nova's default policy
    (`os_compute_api:servers:create:zero_disk_flavor`) refuses that to plain members.
    """
    ram, disk = flavor.get("ram") or 0, flavor.get("disk") or 0  # 0: the cloud does not show it
    if ram < (image.get("min_ram") or 0):
        return False
    return from_volume or (disk > 0 and disk * GIB >= _disk_bytes(image))
