"""The type of a request to Keystone."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import (
    Call,
)
from pytest_osfutures.fakecloud.services.identity.models import IdentityModel

IdentityCall: TypeAlias = Call[IdentityModel]
