"""What a clouds.yaml says about each service, as openstacksdk reads it."""

from __future__ import annotations

import re
from typing import Any

from pytest_osfutures.errors import InvalidArgument

_SUFFIXES = ("_endpoint_override", "_endpoint", "_service_type")
_RETRIES = (
    "connect_retries",
    "connect_retry_delay",
    "status_code_retries",
    "status_code_retry_delay",
    "retriable_status_codes",
)


class ServiceConfig:
    """The settings of single services: `compute_endpoint_override`, `volume_interface` ...

    `region` is an openstacksdk `CloudRegion`, which knows all names that a service has.
    """

    def __init__(self, region: Any) -> None:
        self.region = region

    def way(self, service: str) -> dict[str, Any]:
        """How a session finds the service in the catalog."""
        found = {
            "service_type": self.region.get_service_type(service),
            "interface": self.region.get_interface(service) or "public",
            "region_name": self.region.get_region_name(service),
        }
        name = self.region.get_service_name(service)
        return found if name is None else {**found, "service_name": name}

    def endpoint(self, service: str, project: str | None) -> str | None:
        """The URL that takes the place of the catalog's, without a final slash."""
        url = self.region.get_endpoint(service)
        if not url:
            return None
        for word in ("%(project_id)s", "%(tenant_id)s"):
            url = url.replace(word, project or "")
        return str(url).rstrip("/")

    def endpoints(self, project: str | None) -> list[tuple[str, str]]:
        """All URLs that take the place of the catalog's, with their services."""
        return [
            (url, official_type(service))
            for service in sorted(self._services())
            if (url := self.endpoint(service, project)) is not None
        ]

    def official_type(self, service_type: str) -> str:
        """The official name of a type in the catalog, which may be this cloud's own word."""
        for service in self._services():
            if self.region.get_service_type(service) == service_type:
                return official_type(service)
        return official_type(service_type)

    def _services(self) -> set[str]:
        keys = self.region.config
        named = {
            key.removesuffix(end).replace("_", "-")
            for key in keys
            for end in _SUFFIXES
            if key.endswith(end) and keys[key]
        }
        return {*named, "compute", "block-storage", "image", "network"}

    def microversion(self, service: str) -> str | None:
        """The microversion that is to be spoken.

        openstacksdk takes an `*_api_version` with a minor number for one (`2.60`, but not `2.0`).
        """
        chosen = self.region.get_default_microversion(service)
        version = self.region.get_api_version(service) or ""
        implied = version if re.fullmatch(r"\d+\.[1-9]\d*", version) else None
        if chosen and implied and chosen != implied:
            raise InvalidArgument(
                f"clouds.yaml: {service} has api_version {version} and default_microversion "
                f"{chosen}; give one of them"
            )
        return chosen or implied

    def retries(self, service: str) -> dict[str, Any]:
        """How often plain calls are sent again, as arguments of a keystoneauth1 adapter."""
        found = {name: getattr(self.region, f"get_{name}")(service) for name in _RETRIES}
        return {name: value for name, value in found.items() if value is not None}


def official_type(service: str) -> str:
    """The official name of a service type: `block-storage` for volumev3."""
    from os_service_types import ServiceTypes

    return ServiceTypes().get_service_type(service) or service
