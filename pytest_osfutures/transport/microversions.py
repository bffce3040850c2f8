"""The request headers in which clients and services negotiate microversions.

https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html
"""

from __future__ import annotations

from collections.abc import Mapping

#: Names of services in the header, where they differ from the service type.
_HEADER_NAMES = {
    "block-storage": "volume",
    "container-infrastructure-management": "container-infra",
    "application-container": "container",
    "resource-optimization": "infra-optim",
}
#: Headers of single services, from before there was one header for all.
_LEGACY_HEADERS = {
    "compute": "X-OpenStack-Nova-API-Version",
    "shared-file-system": "X-OpenStack-Manila-API-Version",
    "baremetal": "X-OpenStack-Ironic-API-Version",
    "baremetal-introspection": "X-OpenStack-Ironic-Inspector-API-Version",
}


def microversion_headers(service: str, microversion: str) -> dict[str, str]:
    """Return the headers that request `microversion`; none for an empty one."""
    if not microversion:
        return {}
    headers = {"OpenStack-API-Version": f"{_HEADER_NAMES.get(service, service)} {microversion}"}
    if service in _LEGACY_HEADERS:
        headers[_LEGACY_HEADERS[service]] = microversion
    if service == "shared-file-system":  # without it, experimental resources answer 404
        headers["X-OpenStack-Manila-API-Experimental"] = "True"
    return headers


def microversion_of(service: str, headers: Mapping[str, str]) -> str:
    """Return the microversion that the headers of a request ask for; empty if there is none.

    Example:
        >>> microversion_of("compute", {"OpenStack-API-Version": "compute 2.79"})
        '2.79'
    """
    header_name = _HEADER_NAMES.get(service, service)
    for part in (headers.get("OpenStack-API-Version") or "").split(","):
        name, _, version = part.strip().partition(" ")
        if name == header_name:
            return version
    legacy = _LEGACY_HEADERS.get(service)
    return (headers.get(legacy) if legacy else None) or ""
