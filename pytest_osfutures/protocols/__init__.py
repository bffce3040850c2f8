"""Types for annotations: resources and clients of OpenStack, with twins that return futures.

novaclient and cinderclient have no types of their own. These protocols (PEP 544) describe the
objects that the clients return, so that a type checker knows `future.result().status`.
"""

from pytest_osfutures.protocols.api import Api, Resource
from pytest_osfutures.protocols.arguments import (
    CallArguments,
    FactoryArguments,
    HasId,
    ReadyArguments,
    Reference,
    RetryArguments,
)
from pytest_osfutures.protocols.block_storage import (
    Backup,
    BackupArguments,
    Snapshot,
    SnapshotArguments,
    Volume,
    VolumeArguments,
)
from pytest_osfutures.protocols.cinder import Cinder
from pytest_osfutures.protocols.compute import Flavor, Keypair, Nova, VolumeAttachment
from pytest_osfutures.protocols.image import Image, ImageArguments
from pytest_osfutures.protocols.sdk import Sdk
from pytest_osfutures.protocols.server import Server, ServerArguments, SeveralServers

__all__ = [
    "Api",
    "Backup",
    "BackupArguments",
    "CallArguments",
    "Cinder",
    "FactoryArguments",
    "Flavor",
    "HasId",
    "Image",
    "ImageArguments",
    "Keypair",
    "Nova",
    "ReadyArguments",
    "Reference",
    "Resource",
    "RetryArguments",
    "Sdk",
    "Server",
    "ServerArguments",
    "SeveralServers",
    "Snapshot",
    "SnapshotArguments",
    "Volume",
    "VolumeArguments",
    "VolumeAttachment",
]
