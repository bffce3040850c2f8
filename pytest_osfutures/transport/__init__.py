"""The only way to the cloud: requests, their capture, and the meaning of their responses."""

from pytest_osfutures.transport.capture import (
    BeforeSending,
    Exchange,
    captured_exchanges,
    may_be_attached,
    sent_requests,
)
from pytest_osfutures.transport.client import ApiClient, ResolvedUrl
from pytest_osfutures.transport.documents import parse_resource
from pytest_osfutures.transport.microversions import microversion_of
from pytest_osfutures.transport.paging import Page, iterate_pages
from pytest_osfutures.transport.responses import (
    RETRYABLE_STATUSES,
    describe_refusal,
    error_message,
    error_text,
    is_bad_request,
    is_inapplicable,
    is_invisible,
    is_missing,
    is_success,
    is_unsupported_microversion,
    retry_after,
)
from pytest_osfutures.transport.service_config import ServiceConfig
from pytest_osfutures.transport.session import remember_refusals, session_of
from pytest_osfutures.transport.session_errors import (
    is_missing_service,
    is_rate_limit_error,
    is_transient_error,
    refuses_credentials,
)

__all__ = [
    "RETRYABLE_STATUSES",
    "ApiClient",
    "BeforeSending",
    "Exchange",
    "Page",
    "ResolvedUrl",
    "ServiceConfig",
    "captured_exchanges",
    "describe_refusal",
    "error_message",
    "error_text",
    "is_bad_request",
    "is_inapplicable",
    "is_invisible",
    "is_missing",
    "is_missing_service",
    "is_rate_limit_error",
    "is_success",
    "is_transient_error",
    "is_unsupported_microversion",
    "iterate_pages",
    "may_be_attached",
    "microversion_of",
    "parse_resource",
    "refuses_credentials",
    "remember_refusals",
    "retry_after",
    "sent_requests",
    "session_of",
]
