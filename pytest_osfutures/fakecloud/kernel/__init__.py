"""The parts of which each service is made. The kernel knows no service."""

from pytest_osfutures.fakecloud.kernel.call import (
    MALFORMED,
    AccessLimit,
    Call,
    Caller,
    RequestContext,
    Version,
)
from pytest_osfutures.fakecloud.kernel.database import ResourceTable
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.latency import Latency
from pytest_osfutures.fakecloud.kernel.lifecycle import Lifecycle, Step, start_lifecycle
from pytest_osfutures.fakecloud.kernel.numbers import parse_duration, parse_integer, parse_natural
from pytest_osfutures.fakecloud.kernel.patterns import pattern_error
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.runtime import Runtime
from pytest_osfutures.fakecloud.kernel.service import (
    UNKNOWN_PATH,
    Microversions,
    Service,
    version_text,
)
from pytest_osfutures.fakecloud.kernel.settings import CloudSettings
from pytest_osfutures.fakecloud.kernel.times import iso_microseconds, iso_seconds, parse_date
from pytest_osfutures.fakecloud.kernel.validation import admin_only, invalid, only, required, typed
from pytest_osfutures.fakecloud.kernel.wire import Handler, Request, Response, UrlRoute

__all__ = [
    "MALFORMED",
    "UNKNOWN_PATH",
    "AccessLimit",
    "ApiError",
    "Call",
    "Caller",
    "CloudSettings",
    "Fault",
    "Handler",
    "Latency",
    "Lifecycle",
    "Microversions",
    "Request",
    "RequestContext",
    "ResourceRecord",
    "ResourceTable",
    "Response",
    "Runtime",
    "Service",
    "Step",
    "UrlRoute",
    "Version",
    "admin_only",
    "invalid",
    "iso_microseconds",
    "iso_seconds",
    "only",
    "parse_date",
    "parse_duration",
    "parse_integer",
    "parse_natural",
    "pattern_error",
    "required",
    "start_lifecycle",
    "typed",
    "version_text",
]
