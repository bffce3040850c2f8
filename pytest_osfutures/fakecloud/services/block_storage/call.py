"""The type of a request to Cinder."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import (
    Call,
)
from pytest_osfutures.fakecloud.services.block_storage.models import BlockStorageModel

BlockStorageCall: TypeAlias = Call[BlockStorageModel]
