"""Method calls on the result of a future: `future.chain.stop_async()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.futures.future import OperationFuture
from pytest_osfutures.futures.promise import then

__tracebackhide__ = True  # pytest: an error belongs to the line that waits for it


class Chain:
    """The proxy behind `future.chain`: each method call becomes a `next`."""

    def __init__(self, future: OperationFuture[Any]) -> None:
        self._future = future

    def __getattr__(self, name: str) -> Callable[..., OperationFuture[Any]]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> OperationFuture[Any]:
            return then(self._future, lambda result: getattr(result, name)(*args, **kwargs))

        return call
