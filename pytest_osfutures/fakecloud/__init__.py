"""A fake OpenStack that runs in this process or on a loopback port: see `FakeCloud`."""

from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.settings import CloudSettings

__all__ = ["CloudSettings", "FakeCloud", "Fault"]
