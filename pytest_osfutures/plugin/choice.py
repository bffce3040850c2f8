"""Which image, flavor and network a new server gets: by name, id or object, or a sound default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import BadInput, CloudUnreachable
from pytest_osfutures.plugin.options import Settings
from pytest_osfutures.source import message
from pytest_osfutures.stamp import Stamp

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Formats of images that are only parts of one.
_PARTS = ("aki", "ari")


class Choice:
    """Finds what a cloud has; asks it once for each kind of thing, and when it is needed first."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud = cloud
        self.settings = settings

    def check(self) -> None:
        """Raise BadInput, which names the option, if something that it names does not exist."""
        named: tuple[tuple[str, str | None, Callable[[], object]], ...] = (
            ("image", self.settings.image, partial(self.image, None)),
            ("flavor", self.settings.flavor, partial(self.flavor, None, None)),
            ("network", self.settings.network, self.nics),
        )
        for option, name, find in named:
            try:
                if name:
                    find()
            except BadInput as error:
                raise BadInput(f"--os-{option}: {error}") from None

    @cached_property
    def _images(self) -> list[Any]:
        images = self._list("image", "/images?status=active", "images")
        return [image for image in images if image.container_format not in _PARTS]

    @cached_property
    def _flavors(self) -> list[Any]:
        return list(self.cloud.nova.flavors.list())

    @cached_property
    def _networks(self) -> list[Any]:
        return self._list_networks(external=False)

    def _list_networks(self, external: bool) -> list[Any]:
        networks = self._list("network", "/networks", "networks")
        return [each for each in networks if bool(vars(each).get("router:external")) is external]

    def _list(self, service: str, path: str | None, key: str) -> list[Any]:
        found: list[Any] = []
        while path:
            document = self._get(service, path)
            found += [SimpleNamespace(**each) for each in document[key]]
            path = document.get("next")
            path = path and path[path.index(f"/{key}") :]
        return found

    def _get(self, service: str, path: str) -> Any:
        answer = self.cloud.source.send("GET", service, path, None)
        if answer.status_code >= 300:
            words = f"{answer.status_code}: {message(answer)}"
            raise CloudUnreachable(f"GET {service} {path} of {self.cloud.name!r} answers {words}")
        return answer.json()

    def image(self, wanted: Any) -> Any:
        """The image `wanted` (name, id, object or None), as an object.

        None stands for --os-image, or else for the smallest that is active.
        """
        wanted = wanted or self.settings.image
        if wanted:
            return _find("image", wanted, self._images)
        standing = _standing(self._images)
        if not standing:
            raise BadInput(f"cloud {self.cloud.name!r} has no active image; upload one")
        return min(standing, key=lambda image: (image.size or 0, image.name))

    def flavor(self, wanted: Any, image: Any) -> Any:
        """The flavor `wanted` (name, id, object or None), as an object.

        None stands for --os-flavor, or else for the smallest that holds `image`.
        """
        wanted = wanted or self.settings.flavor
        if wanted:
            return _find("flavor", wanted, self._flavors)
        ram, disk = getattr(image, "min_ram", 0) or 0, getattr(image, "min_disk", 0) or 0
        fit = [each for each in self._flavors if each.ram >= ram and each.disk >= disk]
        if not fit:
            raise BadInput(
                f"cloud {self.cloud.name!r} has no flavor with {ram} MiB of memory and "
                f"{disk} GiB of disk, as the image needs"
            )
        return min(fit, key=lambda each: (each.ram, each.vcpus, each.disk, each.name))

    def nics(self, network: Any = None) -> Any:
        """The `nics` of a new server on `network` (name, id, object, auto, none or None).

        None stands for --os-network, else for the only network, else for auto or none.
        """
        wanted = network or self.settings.network
        if wanted in ("auto", "none"):
            return wanted
        if network is not None:
            return [{"net-id": self.network(network)}]
        if wanted:
            return [{"net-id": _find("network", wanted, self._networks).id}]
        standing = _standing(self._networks)
        if len(standing) == 1:
            return [{"net-id": standing[0].id}]
        return "auto" if self._allocates else "none"

    def network(self, wanted: Any, external: bool = False) -> str:
        """The id of the network `wanted` (name, id, object or None), inside or outside.

        None stands for --os-network if that names one, or else for the only one there is.
        """
        if wanted is not None and not isinstance(wanted, str):
            return str(wanted.id)
        if wanted and _ID.fullmatch(wanted):
            return wanted
        if not external and self.settings.network not in ("auto", "none"):
            wanted = wanted or self.settings.network
        kind = "external network" if external else "network"
        known = self._list_networks(external)
        if wanted:
            return str(_find(kind, wanted, known).id)
        known = _standing(known)
        if len(known) != 1:
            names = ", ".join(sorted(str(each.name) for each in known)) or "none"
            count = f"cloud {self.cloud.name!r} has {len(known)} {kind}s"
            raise BadInput(f"{count}, so name one; there are: {names}")
        return str(known[0].id)

    @cached_property
    def _allocates(self) -> bool:
        """Whether the cloud makes a network for a server that asks for `auto`."""
        project = self.cloud.session.get_project_id()
        path = f"/auto-allocated-topology/{project}?fields=dry-run"
        answer = self.cloud.source.send("GET", "network", path, None)
        return bool(answer.status_code < 300)


def _standing(found: list[Any]) -> list[Any]:
    """Those that no run has made: what comes and goes is nobody's default."""
    return [each for each in found if Stamp.of(vars(each), described=True) is None]


def _find(kind: str, wanted: Any, known: Iterable[Any]) -> Any:
    if not isinstance(wanted, str):
        return wanted
    found = [each for each in known if each.id == wanted]
    found = found or [each for each in known if each.name == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(each.id for each in found)
        raise BadInput(f"{kind} {wanted!r} stands for {len(found)} of them; give an id: {ids}")
    names = sorted({str(each.name) for each in known})
    some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    raise BadInput(f"unknown {kind} {wanted!r}; there are: {some or 'none'}")
