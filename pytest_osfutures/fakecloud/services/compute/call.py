"""The type of a request to Nova."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import (
    Call,
)
from pytest_osfutures.fakecloud.services.compute.models import ComputeModel

ComputeCall: TypeAlias = Call[ComputeModel]
