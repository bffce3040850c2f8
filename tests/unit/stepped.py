"""A stepped engine on a small OpenStack, for tests of calls that become futures."""

from __future__ import annotations

from typing import Any

import requests

from pytest_osfutures.calls.reconcile import MOMENTS
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import (
    OperationError,
)
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Poll

from .api import (
    NOVA,
    Api,
    context,
)

POST = ("POST", "/compute/v2.1/servers")
SETTLING = MOMENTS[-1] * Poll().slowest


class Cloud:
    """A stepped engine on a small OpenStack."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.engine = SteppedEngine(self.clock)
        self.api = Api(self.clock)
        self.context = context(self.api, self.engine, **options)

    def create(self, **options: Any) -> requests.Response:
        """The plain call."""
        body = {"server": {"name": "web", "metadata": {"mine": "1"}}}
        response: requests.Response = self.context.api_client.session.post(
            f"{NOVA}/servers", json=body, **options
        )
        return response

    def run(self, future: OperationFuture[Any], within: float = 2000.0) -> None:
        """Let time pass until the future is done."""
        assert self.engine.run_until(future.done, within)

    def settle(self, seconds: float = 300.0) -> None:
        """Let time pass for the work that goes on afterwards."""
        self.engine.run_until(lambda: False, seconds)


def error_of(future: OperationFuture[Any]) -> OperationError:
    """The operation's error, which there has to be."""
    error = future.exception()
    assert isinstance(error, OperationError), error
    return error
