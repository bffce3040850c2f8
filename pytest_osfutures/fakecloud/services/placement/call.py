"""The type of a request to Placement."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import Call
from pytest_osfutures.fakecloud.services.placement.models import PlacementModel

PlacementCall: TypeAlias = Call[PlacementModel]
