"""The type of a request to Glance."""

from __future__ import annotations

from typing import TypeAlias

from pytest_osfutures.fakecloud.kernel import (
    Call,
)
from pytest_osfutures.fakecloud.services.image.models import ImageModel

ImageCall: TypeAlias = Call[ImageModel]
