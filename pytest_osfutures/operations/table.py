"""The operation tables: one file a service, one row an operation, no logic but small predicates."""

from __future__ import annotations

from pytest_osfutures.operations import block_storage, compute, image, network
from pytest_osfutures.operations.model import OperationTable

SERVICES = (compute, block_storage, image, network)
TABLE = OperationTable(operation for service in SERVICES for operation in service.OPERATIONS)
