"""The table of all operations: one module a service, one row an operation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_osfutures.operations import block_storage, compute, image, network
from pytest_osfutures.operations.model import Operation, Variables


class OperationTable:
    """All known operations, found by the requests that start them."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._by_place: dict[tuple[str, str], list[Operation]] = {}
        for operation in self.operations:
            place = (operation.route.service, operation.route.method)
            self._by_place.setdefault(place, []).append(operation)

    def find(
        self, service: str, method: str, path: str, request: Any
    ) -> tuple[Operation, Variables] | None:
        """Return the operation that a request starts, with the variables in its path."""
        for operation in self._by_place.get((service, method), ()):
            variables = operation.recognise(service, method, path, request)
            if variables is not None:
                return operation, variables
        return None


SERVICES = (compute, block_storage, image, network)
TABLE = OperationTable(operation for service in SERVICES for operation in service.OPERATIONS)
