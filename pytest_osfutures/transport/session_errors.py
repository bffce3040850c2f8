"""Classification of the exceptions of keystoneauth1 sessions."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.transport.responses import (
    NO_RESPONSE,
    is_proxy_refusal,
    is_rate_limited,
    is_rejected_login,
    is_retryable,
    response_document,
)


def is_proxy_response(response: Any) -> bool:
    """Return True if a proxy refused the request of a `requests.Response`, and not the service."""
    return is_proxy_refusal(response.status_code, response.headers, response_document(response))


def is_missing_service(error: BaseException) -> bool:
    """Return True if the cloud's catalog has no such service."""
    from keystoneauth1.exceptions import EndpointNotFound

    return isinstance(error, EndpointNotFound)


def refuses_credentials(error: BaseException) -> bool:
    """Return True if Keystone itself, and not a proxy in front of it, refused the credentials."""
    from keystoneauth1.exceptions import HttpError

    if not isinstance(error, HttpError) or not is_rejected_login(error.http_status):
        return False
    return error.response is not None and not is_proxy_response(error.response)


def is_rate_limit_error(error: BaseException) -> bool:
    """Return True if Keystone takes no more requests for tokens now."""
    return is_rate_limited(getattr(error, "http_status", None) or NO_RESPONSE, {})


def is_transient_error(error: BaseException) -> bool:
    """Return True for an exception of a session after which the same request may succeed."""
    from keystoneauth1 import exceptions

    return isinstance(error, exceptions.ClientException) and not is_permanent_error(error)


def is_permanent_error(error: BaseException) -> bool:
    """Return True if another try cannot help: wrong credentials, or no such endpoint."""
    from keystoneauth1 import exceptions

    if isinstance(error, exceptions.HttpError):  # from Keystone, or from a proxy in front of it
        by_service = error.response is None or not is_proxy_response(error.response)
        return by_service and not is_retryable(error.http_status)
    if isinstance(error, exceptions.InvalidResponse):  # an HTML page instead of a token
        return False
    if isinstance(error, exceptions.ConnectFailure | exceptions.ConnectTimeout):
        return False
    return isinstance(error, exceptions.ClientException) and not isinstance(
        error, exceptions.UnknownConnectionError | exceptions.DiscoveryFailure
    )
