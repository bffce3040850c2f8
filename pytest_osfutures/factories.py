"""Fixtures that declare their resources, so that these are created before their tests begin.

from pytest_osfutures import factories

web = factories.server(flavor="m1.tiny")
disk = factories.volume(size=2, scope="module")
io = factories.attachment(web, disk)
"""

from pytest_osfutures.plugin.declared import (
    attachment,
    backup,
    fixture,
    image,
    keypair,
    server,
    snapshot,
    uploaded_image,
    volume,
)
from pytest_osfutures.plugin.declared_network import (
    address_group,
    floating_ip,
    network,
    port,
    router,
    security_group,
    subnet,
)

__all__ = [
    "address_group",
    "attachment",
    "backup",
    "fixture",
    "floating_ip",
    "image",
    "keypair",
    "network",
    "port",
    "router",
    "security_group",
    "server",
    "snapshot",
    "subnet",
    "uploaded_image",
    "volume",
]
