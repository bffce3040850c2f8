"""A cloud on a manual clock, and a client of its APIs."""

from __future__ import annotations

import pytest

from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import NOVA, Api, session


@pytest.fixture
def client(api: Api) -> ApiClient:
    made = ApiClient(session(api))
    made.session.post(f"{NOVA}/servers", json={"server": {"name": "web"}})
    return made
