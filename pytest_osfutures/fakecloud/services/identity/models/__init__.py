"""The state of Keystone and the operations that change it. No module here knows HTTP."""

from pytest_osfutures.fakecloud.services.identity.models.initial import PASSWORD
from pytest_osfutures.fakecloud.services.identity.models.records import REGION
from pytest_osfutures.fakecloud.services.identity.models.state import IdentityModel

__all__ = ["PASSWORD", "REGION", "IdentityModel"]
