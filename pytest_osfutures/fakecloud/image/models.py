"""What Glance knows: its resources and what happens to them. It knows no HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud


class ImageModel:
    """The state of Glance."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
