"""The state of Cinder and the operations that change it. No module here knows HTTP."""

from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

__all__ = ["BlockStorageModel"]
