"""All knowledge about HTTP responses: status codes, Retry-After, request ids and error texts.

Other modules ask these functions and compare no status codes themselves. The meanings are those of
RFC 9110 section 15 (https://www.rfc-editor.org/rfc/rfc9110#section-15) and of the API references
at https://docs.openstack.org/api-ref/. A status of 0 stands for a request without a response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from pytest_osfutures.parsing import whole_number
from pytest_osfutures.redaction import redact

#: The status of an exchange whose response was lost.
NO_RESPONSE = 0
#: Client errors after which the same request may succeed: timeout (408), rate limit (429, and 413
#: in old versions of Nova and Cinder), and Too Early (425, RFC 8470).
_RETRYABLE = frozenset({408, 413, 425, 429})
#: Server errors that definitely reject a request: not implemented, HTTP version not supported.
_NOT_IMPLEMENTED = frozenset({501, 505})
#: Longest wait in seconds (one day) that is taken from a Retry-After header.
LONGEST_RETRY_AFTER = 86400.0
#: Headers in which a service names the request; Nova had its own before 2.46.
REQUEST_ID_HEADERS = ("x-openstack-request-id", "x-compute-request-id")
#: Keys of the error documents of Nova, Cinder and Manila, each of which has the status in `code`.
#: https://opendev.org/openstack/nova/src/branch/master/nova/api/openstack/wsgi.py (Fault)
_FAULT_KEYS = frozenset(
    {"badMediaType", "badMethod", "badRequest", "buildInProgress", "computeFault", "forbidden"}
    | {"conflictingRequest", "itemNotFound", "notImplemented", "overLimit", "unauthorized"}
)
#: Texts with which Cinder, and Nova about Cinder's volumes, refuse a request with 400 because of
#: the present status of a volume.
_WRONG_STATUS = re.compile(r"status must be|current status|currently in '", re.IGNORECASE)
#: Longest excerpt, in characters, of an error document in a message.
_EXCERPT = 200


# Status codes


def is_success(status: int) -> bool:
    """Return True if the service accepted the request (2xx)."""
    return 200 <= status < 300


def may_continue(status: int) -> bool:
    """Return True if the service accepted the request and may still work on it (202)."""
    return status == 202


def has_no_content(status: int) -> bool:
    """Return True if the service accepted the request and has nothing to say about it (204)."""
    return status == 204


def is_missing(status: int) -> bool:
    """Return True if the resource, or the path, does not exist (404)."""
    return status == 404


def is_invisible(status: int) -> bool:
    """Return True if this user cannot read such a resource.

    Besides 404 that is 403, for a policy of administrators, and 400, for an id that is none.
    """
    return status in (400, 403, 404)


def is_bad_request(status: int) -> bool:
    """Return True if the service does not understand the request or one of its filters (400)."""
    return status == 400


def is_conflict(status: int) -> bool:
    """Return True if the present state of the resource forbids the request (409)."""
    return status == 409


def is_busy(status: int, document: object) -> bool:
    """Return True if an operation that is under way on the resource is the reason of a refusal.

    Nova and Neutron answer 409, Cinder answers 400.
    """
    if is_bad_request(status):
        return _WRONG_STATUS.search(str(document)) is not None
    return is_conflict(status)


def may_be_state_refusal(status: int) -> bool:
    """Return True if the state of the resource may be the reason of a refusal.

    Nova and Neutron answer 409; Cinder answers 400, as to a request that it does not understand.
    """
    return is_bad_request(status) or is_conflict(status)


def is_inapplicable(status: int) -> bool:
    """Return True if the request does not apply to the resource now, or not for this user."""
    return is_invisible(status) or is_conflict(status)


def is_unsupported_microversion(status: int) -> bool:
    """Return True if the service is too old for the requested microversion (406).

    https://docs.openstack.org/api-guide/compute/microversions.html
    """
    return status == 406


def is_rejected_login(status: int) -> bool:
    """Return True if Keystone refuses the credentials: their form, password, role or project."""
    return status in (400, 401, 403, 404)


def is_retryable(status: int) -> bool:
    """Return True if the same request may succeed later: limits, timeouts, 5xx, no response."""
    return status == NO_RESPONSE or status in _RETRYABLE or status >= 500


#: The statuses for which `is_retryable` is true, for urllib3's Retry.
RETRYABLE_STATUSES = frozenset(status for status in range(400, 600) if is_retryable(status))


def is_ambiguous(status: int) -> bool:
    """Return True if the service may have carried out the request although it did not say so.

    Proxies send 408, 502, 504 and their like without knowing whether the service behind them acted.
    """
    if status in (NO_RESPONSE, 408):
        return True
    return status >= 500 and status not in _NOT_IMPLEMENTED


def is_rejected(status: int) -> bool:
    """Return True if the request was definitely rejected, so that it changed nothing.

    408 is excluded: a proxy sends it and cannot know whether the service behind it acted.
    """
    return status >= 400 and not is_ambiguous(status)


def is_overloaded(status: int) -> bool:
    """Return True if the API has too many requests to serve: 429, or 503."""
    return status in (429, 503)


def is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Return True if the API takes no more requests now, whatever they ask for.

    That is 429, or 413 or 503 with a Retry-After header. A 413 may also be one of Cinder's quotas.
    """
    return status == 429 or (status in (413, 503) and retry_after(headers) is not None)


def is_over_quota(status: int, document: object) -> bool:
    """Return True if a quota refused the request (Nova: 403, Neutron: 409, Cinder: 413)."""
    return status in (403, 409, 413) and "quota" in str(document).lower()


# Origin


def is_from_service(status: int, headers: Mapping[str, str], document: object) -> bool:
    """Return True if an OpenStack service sent this response, and not a proxy in front of it.

    Gateways and load balancers send pages, and JSON of their own. A service sends a request id,
    Keystone's challenge, or one of the error documents of OpenStack.
    """
    if request_id(headers) or (headers.get("WWW-Authenticate") or "").startswith("Keystone"):
        return True
    if not isinstance(document, Mapping) or len(document) != 1:
        return False
    ((key, fault),) = document.items()
    if not isinstance(fault, Mapping) or fault.get("code", status) != status:
        return False
    has_own_key = (key == "NeutronError" and "type" in fault) or (
        key == "error" and "title" in fault
    )
    return key in _FAULT_KEYS or has_own_key


def is_proxy_refusal(status: int, headers: Mapping[str, str], document: object) -> bool:
    """Return True if a proxy in front of the service refused the request, and not the service."""
    refused = 300 <= status < 500 and status not in _RETRYABLE
    return refused and not is_from_service(status, headers, document)


# Headers


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of the Retry-After header, at most a day; None if it has no usable value.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after

    Example:
        >>> retry_after({"Retry-After": "17"})
        17.0
    """
    value = headers.get("Retry-After") or ""
    if not isinstance(value, str):
        return None
    if re.match(r"[0-9]+\Z", value):
        seconds = whole_number(value)
        return LONGEST_RETRY_AFTER if seconds is None else min(float(seconds), LONGEST_RETRY_AFTER)
    try:  # a date is a duration only in comparison with the Date of the same response
        until, date = (parsedate_to_datetime(text) for text in (value, headers.get("Date") or ""))
        return min(max((until - date).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
    except (ValueError, TypeError, OverflowError):
        return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id that the service gave to the request; None if the response has none."""
    return next((value for name in REQUEST_ID_HEADERS if (value := headers.get(name))), None)


# Bodies


def response_document(response: Any) -> Any:
    """Return the JSON document of a `requests.Response`; None if its body is no JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):  # an HTML page, or JSON that nests too deeply
        return None


def error_message(response: Any) -> str:
    """Return the error text of a `requests.Response`, redacted, in whatever form it has it."""
    document = response_document(response)
    if document is None:
        plain = re.sub(r"(?is)<(head|style|script)\b.*?</\1>|<[^>]*>", " ", response.text)
        return redact(" ".join(plain.split()))[:_EXCERPT] or str(response.reason)
    return error_text(document)


def error_text(document: object) -> str:
    """Return the error text of an error document, redacted: its innermost `message`.

    Example:
        >>> error_text({"badRequest": {"code": 400, "message": "Invalid flavor."}})
        'Invalid flavor.'
    """
    while isinstance(document, dict):
        if isinstance(document.get("message"), str):
            return redact(str(document["message"]).strip())
        inner = next((value for value in document.values() if isinstance(value, dict)), None)
        if inner is None:
            break
        document = inner
    return redact(str(document))[:_EXCERPT]


def describe_refusal(method: str, path: str, response: Any) -> str:
    """Return a sentence about a refused request: method, path, status and the error text."""
    return f"{method} {path} answered {response.status_code}: {error_message(response)}"
