"""The Connection of openstacksdk with twins on its proxies, for type checkers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_osfutures.futures import OperationFuture

if TYPE_CHECKING:
    from openstack.accelerator.v2 import _proxy as accelerator
    from openstack.baremetal.v1 import _proxy as baremetal
    from openstack.block_storage.v3 import _proxy as block_storage
    from openstack.clustering.v1 import _proxy as clustering
    from openstack.compute.v2 import _proxy as compute
    from openstack.connection import Connection
    from openstack.container_infrastructure_management.v1 import (
        _proxy as container_infrastructure_management,
    )
    from openstack.database.v1 import _proxy as database
    from openstack.dns.v2 import _proxy as dns
    from openstack.image.v2 import _proxy as image
    from openstack.instance_ha.v1 import _proxy as instance_ha
    from openstack.key_manager.v1 import _proxy as key_manager
    from openstack.load_balancer.v2 import _proxy as load_balancer
    from openstack.network.v2 import _proxy as network
    from openstack.orchestration.v1 import _proxy as orchestration
    from openstack.shared_file_system.v2 import _proxy as shared_file_system
    from openstack.workflow.v2 import _proxy as workflow

    class Twins:
        """`x_async` and `x_async_r` of each method `x` of a proxy that changes something."""

        def __getattr__(self, name: str, /) -> Callable[..., OperationFuture[Any]]: ...

    class AcceleratorProxy(Twins, accelerator.Proxy): ...

    class BaremetalProxy(Twins, baremetal.Proxy): ...

    class BlockStorageProxy(Twins, block_storage.Proxy): ...

    class ClusteringProxy(Twins, clustering.Proxy): ...

    class ComputeProxy(Twins, compute.Proxy): ...

    class ContainerInfrastructureManagementProxy(
        Twins, container_infrastructure_management.Proxy
    ): ...

    class DatabaseProxy(Twins, database.Proxy): ...

    class DnsProxy(Twins, dns.Proxy): ...

    class ImageProxy(Twins, image.Proxy): ...

    class InstanceHaProxy(Twins, instance_ha.Proxy): ...

    class KeyManagerProxy(Twins, key_manager.Proxy): ...

    class LoadBalancerProxy(Twins, load_balancer.Proxy): ...

    class NetworkProxy(Twins, network.Proxy): ...

    class OrchestrationProxy(Twins, orchestration.Proxy): ...

    class SharedFileSystemProxy(Twins, shared_file_system.Proxy): ...

    class WorkflowProxy(Twins, workflow.Proxy): ...

else:
    Connection = object  # openstacksdk is loaded at the first use of `cloud.sdk`


class Sdk(Connection):
    """A Connection of openstacksdk with twins: `sdk.compute.create_server_async(...)`.

    All else is as in openstacksdk: https://docs.openstack.org/openstacksdk/latest/user/
    """

    if TYPE_CHECKING:
        # `override`: openstacksdk declares descriptors (`ServiceDescription`), which return proxies
        # of any version when they are read; a property of a subclass may not narrow them.

        @property
        def accelerator(self) -> AcceleratorProxy: ...  # type: ignore[override]
        @property
        def baremetal(self) -> BaremetalProxy: ...  # type: ignore[override]
        @property
        def block_storage(self) -> BlockStorageProxy: ...  # type: ignore[override]
        @property
        def clustering(self) -> ClusteringProxy: ...  # type: ignore[override]
        @property
        def compute(self) -> ComputeProxy: ...  # type: ignore[override]
        @property
        def container_infrastructure_management(self) -> ContainerInfrastructureManagementProxy: ...  # type: ignore[override]
        @property
        def database(self) -> DatabaseProxy: ...  # type: ignore[override]
        @property
        def dns(self) -> DnsProxy: ...  # type: ignore[override]
        @property
        def image(self) -> ImageProxy: ...  # type: ignore[override]
        @property
        def instance_ha(self) -> InstanceHaProxy: ...  # type: ignore[override]
        @property
        def key_manager(self) -> KeyManagerProxy: ...  # type: ignore[override]
        @property
        def load_balancer(self) -> LoadBalancerProxy: ...  # type: ignore[override]
        @property
        def network(self) -> NetworkProxy: ...  # type: ignore[override]
        @property
        def orchestration(self) -> OrchestrationProxy: ...  # type: ignore[override]
        @property
        def shared_file_system(self) -> SharedFileSystemProxy: ...  # type: ignore[override]
        @property
        def workflow(self) -> WorkflowProxy: ...  # type: ignore[override]
