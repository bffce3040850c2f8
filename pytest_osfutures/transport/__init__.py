"""The only way to the cloud: requests, their answers, and who has sent them."""

from pytest_osfutures.transport.capture import BeforeSending, Exchange, captured_exchanges
from pytest_osfutures.transport.client import (
    ApiClient,
    ResolvedUrl,
    error_message,
    error_text,
    is_missing_service,
    is_transient_error,
    microversion_of,
    refuses_credentials,
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
    "ApiClient",
    "BeforeSending",
    "Exchange",
    "Pages",
    "ResolvedUrl",
    "ServiceConfig",
    "captured_exchanges",
    "error_message",
    "error_text",
    "is_missing_service",
    "is_overloaded",
    "is_transient_error",
    "members",
    "microversion_of",
    "next_query",
    "refuses_credentials",
    "resource",
    "retry_after",
]
