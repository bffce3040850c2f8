"""A fake OpenStack that runs in this process or on a loopback port: see `FakeCloud`."""

from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.kernel import (
    CloudSettings,
    Fault,
)

__all__ = ["CloudSettings", "FakeCloud", "Fault"]
