"""The state of Neutron and the operations that change it. No module here knows HTTP."""

from pytest_osfutures.fakecloud.services.network.models.state import ZONE, NetworkModel

__all__ = ["ZONE", "NetworkModel"]
