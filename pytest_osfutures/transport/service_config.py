"""Settings of single services in clouds.yaml, as openstacksdk reads them.

https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
"""

from __future__ import annotations

import re
from typing import Any

from pytest_osfutures.errors import InvalidArgument

#: Ends of the keys by which clouds.yaml names a service.
_KEY_ENDS = ("_endpoint_override", "_endpoint", "_service_type")
#: Arguments of a keystoneauth1 Adapter about its retries.
_RETRIES = (
    "connect_retries",
    "connect_retry_delay",
    "status_code_retries",
    "status_code_retry_delay",
    "retriable_status_codes",
)


class ServiceConfig:
    """The settings of single services: `compute_endpoint_override`, `volume_interface` ...

    Args:
        region: An openstacksdk `CloudRegion`, which knows all names of a service.
    """

    def __init__(self, region: Any) -> None:
        self.region = region

    def endpoint_filter(self, service: str) -> dict[str, Any]:
        """Return the arguments with which a keystoneauth1 session finds the service's endpoint."""
        found = {
            "service_type": self.region.get_service_type(service),
            "interface": self.region.get_interface(service) or "public",
            "region_name": self.region.get_region_name(service),
        }
        name = self.region.get_service_name(service)
        return found if name is None else {**found, "service_name": name}

    def endpoint(self, service: str, project: str | None) -> str | None:
        """Return the URL that overrides the catalog's, without a final slash; None if none does."""
        url = self.region.get_endpoint(service)
        if not url:
            return None
        for placeholder in ("%(project_id)s", "%(tenant_id)s"):
            url = url.replace(placeholder, project or "")
        return str(url).rstrip("/")

    def endpoints(self, project: str | None) -> list[tuple[str, str]]:
        """Return all URLs that override the catalog's, with their service types."""
        return [
            (url, official_type(service))
            for service in sorted(self._services())
            if (url := self.endpoint(service, project)) is not None
        ]

    def official_type(self, service_type: str) -> str:
        """Return the official name of a service type, for which a cloud may have another name."""
        for service in self._services():
            if self.region.get_service_type(service) == service_type:
                return official_type(service)
        return official_type(service_type)

    def _services(self) -> set[str]:
        keys = self.region.config
        configured = {
            key.removesuffix(end).replace("_", "-")
            for key in keys
            for end in _KEY_ENDS
            if key.endswith(end) and keys[key]
        }
        return {*configured, "compute", "block-storage", "image", "network"}

    def microversion(self, service: str) -> str | None:
        """Return the microversion that clouds.yaml sets for a service; None if it sets none.

        openstacksdk takes an `*_api_version` with a minor number (`2.60`, but not `2.0`) for a
        microversion. Raises InvalidArgument if `*_default_microversion` says something else.
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
        """Return the arguments of a keystoneauth1 Adapter about retries of plain calls."""
        found = {name: getattr(self.region, f"get_{name}")(service) for name in _RETRIES}
        return {name: value for name, value in found.items() if value is not None}


def official_type(service: str) -> str:
    """Return the official name of a service type.

    https://service-types.openstack.org/

    Example:
        >>> official_type("volumev3")
        'block-storage'
    """
    from os_service_types import ServiceTypes

    return ServiceTypes().get_service_type(service) or service
