"""The only way to the cloud: requests, their answers, and who has sent them."""

from pytest_osfutures.transport.capture import BeforeSending, Exchange, captured_exchanges
from pytest_osfutures.transport.client import (
    ResolvedUrl,
    Source,
    is_missing_service,
    is_transient_error,
    message,
    microversion_of,
    refuses_credentials,
    words,
)
from pytest_osfutures.transport.responses import (
    Pages,
    is_overloaded,
    members,
    next_query,
    resource,
    retry_after,
)
from pytest_osfutures.transport.service_config import ServiceConfig

__all__ = [
    "BeforeSending",
    "Exchange",
    "Pages",
    "ResolvedUrl",
    "ServiceConfig",
    "Source",
    "captured_exchanges",
    "is_missing_service",
    "is_overloaded",
    "is_transient_error",
    "members",
    "message",
    "microversion_of",
    "next_query",
    "refuses_credentials",
    "resource",
    "retry_after",
    "words",
]
