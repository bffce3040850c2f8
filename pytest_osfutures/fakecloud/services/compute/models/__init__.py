"""The state of Nova and the operations that change it. No module here knows HTTP."""

from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel

__all__ = ["ComputeModel"]
