"""The type of a request to Neutron."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import (
    Call,
)
from pytest_osfutures.fakecloud.services.network.models import NetworkModel

NetworkCall: TypeAlias = Call[NetworkModel]
