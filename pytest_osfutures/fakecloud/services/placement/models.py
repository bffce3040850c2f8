"""The resource providers and allocations of Placement, which are Nova's hosts and servers."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_osfutures.fakecloud.kernel import ApiError
from pytest_osfutures.fakecloud.services.service_ports import (
    AllocationDetails,
    ProviderDetails,
    ResourcesPort,
)

#: The standard resource classes that the hosts have.
CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
TRAITS = (
    "COMPUTE_DEVICE_TAGGING",
    "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_NET_ATTACH_INTERFACE",
    "COMPUTE_NODE",
    "COMPUTE_TRUSTED_CERTS",
    "COMPUTE_VOLUME_EXTEND",
    "COMPUTE_VOLUME_MULTI_ATTACH",
    "OWNER_NOVA",
)


class PlacementModel:
    """The state of Placement: Nova's hosts are its providers, Nova's servers its consumers.

    Args:
        resources: Nova, with its hosts and servers.
    """

    def __init__(self, resources: ResourcesPort) -> None:
        self._resources = resources

    def providers(self) -> list[ProviderDetails]:
        """Return all resource providers."""
        return self._resources.providers()

    def provider(self, provider_id: str) -> ProviderDetails:
        """Return one resource provider. Raises ApiError(404)."""
        for provider in self.providers():
            if provider.id == provider_id:
                return provider
        raise ApiError(404, f"No resource provider with uuid {provider_id} found")

    def allocations(
        self, provider_id: str | None = None, consumer_id: str | None = None
    ) -> list[AllocationDetails]:
        """Return the allocations, or those of one provider or one consumer."""
        return [
            allocation
            for allocation in self._resources.allocations()
            if provider_id in (None, allocation.provider_id)
            and consumer_id in (None, allocation.consumer_id)
        ]

    def generation(self, provider: ProviderDetails) -> int:
        """Return the generation of a provider, which grows with each allocation."""
        return len(self.allocations(provider.id))


def used(allocations: Iterable[AllocationDetails]) -> dict[str, int]:
    """Return the amounts of the allocations by resource class."""
    total = dict.fromkeys(CLASSES, 0)
    for allocation in allocations:
        for name, amount in allocation.amounts.items():
            total[name] += amount
    return total


def inventories(provider: ProviderDetails) -> dict[str, dict[str, float]]:
    """Return the inventories of a provider by resource class."""
    return {
        name: {
            "total": provider.totals[name],
            "reserved": 0,
            "min_unit": 1,
            "max_unit": provider.totals[name],
            "step_size": 1,
            "allocation_ratio": 1.0,
        }
        for name in CLASSES
    }
