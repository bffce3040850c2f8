"""Capture of the requests of one call, with their responses.

Every OpenStack client sends through a keystoneauth1 session, which has one `requests.Session`. The
`auth` callable of that session sees each request right before it leaves and registers a hook for
its response; a context variable tells the call that the request belongs to. So the capture needs
no patch of any client. https://requests.readthedocs.io/en/latest/user/advanced/#custom-authentication
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from pytest_osfutures.clock import Clock
from pytest_osfutures.transport.cloud_time import CloudTime
from pytest_osfutures.transport.responses import (
    NO_RESPONSE,
    has_no_content,
    is_ambiguous,
    is_busy,
    is_missing,
    is_over_quota,
    is_overloaded,
    is_proxy_refusal,
    is_rate_limited,
    is_rejected,
    is_retryable,
    is_success,
    may_be_state_refusal,
    may_continue,
    request_id,
)

#: Called with each changing request that is about to leave; a body that it returns replaces the
#: request's.
BeforeSending = Callable[["Exchange"], Any]
#: Path of the requests that attach volumes: Nova's and Cinder's attachments, new servers, and
#: actions of volumes such as `os-attach`.
_ATTACHING = re.compile(r"/(os-volume_attachments|attachments|servers|volumes/[^/]+/action)(\?|\Z)")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
#: URL of the requests for a token, which a session makes on its own account.
_TOKEN_URL = re.compile(r".*/(auth|v2\.0)/tokens/?(\?|\Z)")


@dataclass(eq=False, slots=True)
class Exchange:
    """One request that changes something, and its response."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    #: JSON document of the request; None if its body is no JSON.
    request: Any
    #: Seconds on the engine's clock.
    sent_at: float
    #: Status code of the response; 0 if none arrived.
    status: int = NO_RESPONSE
    #: Headers of the response.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: JSON document of the response; None if its body is no JSON.
    response: Any = None
    #: Seconds on the engine's clock.
    answered_at: float = 0.0
    #: The operation that the request starts, once `calls` has looked it up in the tables.
    recognised: object = None

    @property
    def accepted(self) -> bool:
        """True if the service accepted the request."""
        return is_success(self.status)

    @property
    def ambiguous(self) -> bool:
        """True if the service may have carried out the request although it did not say so."""
        return is_ambiguous(self.status)

    @property
    def from_proxy(self) -> bool:
        """True if a proxy in front of the service refused the request."""
        return is_proxy_refusal(self.status, self.headers, self.response)

    @property
    def rejected(self) -> bool:
        """True if the service definitely rejected the request, which changed nothing."""
        return is_rejected(self.status)

    @property
    def retryable(self) -> bool:
        """True if the same request may succeed later: limits, timeouts, 5xx, a proxy, no answer."""
        return self.from_proxy or is_retryable(self.status)

    @property
    def missing(self) -> bool:
        """True if the service itself says that the resource does not exist."""
        return is_missing(self.status) and not self.from_proxy

    @property
    def busy(self) -> bool:
        """True if an operation that is under way is the reason of the refusal."""
        return is_busy(self.status, self.response)

    @property
    def refused_by_state(self) -> bool:
        """True if the state of the resource may be the reason of the refusal."""
        return may_be_state_refusal(self.status)

    @property
    def over_quota(self) -> bool:
        """True if a quota refused the request."""
        return is_over_quota(self.status, self.response)

    @property
    def rate_limited(self) -> bool:
        """True if the API takes no more requests now, whatever they ask for."""
        return is_rate_limited(self.status, self.headers) and not self.over_quota

    @property
    def overloaded(self) -> bool:
        """True if the API has too many requests to serve."""
        return is_overloaded(self.status)

    @property
    def has_no_content(self) -> bool:
        """True if the service accepted the request and has nothing to say about it."""
        return has_no_content(self.status)

    @property
    def may_continue(self) -> bool:
        """True if the service accepted the request and may still work on it."""
        return may_continue(self.status)

    @property
    def request_id(self) -> str | None:
        """Id that the service gave to the request, which is also the key of its instance action."""
        return request_id(self.headers)


@dataclass(eq=False)
class _Recorder:
    """The exchanges of one call so far."""

    clock: Clock
    before: BeforeSending | None
    exchanges: list[Exchange] = field(default_factory=list)

    def record_request(self, request: Any) -> None:
        document = _document(request.body)
        exchange = Exchange(
            request.method, request.url, request.headers, document, self.clock.now()
        )
        if self.before is not None:
            changed = self.before(exchange)
            if changed is not None:
                exchange.request = changed
                request.body = json.dumps(changed).encode()
            exchange.sent_at = self.clock.now()
        self.exchanges.append(exchange)
        request.register_hook("response", partial(self.record_response, exchange))

    def record_response(
        self, exchange: Exchange, response: Any, stream: bool = False, **_: Any
    ) -> None:
        exchange.status = response.status_code
        exchange.headers = response.headers
        exchange.response = None if stream else _document(response.content)
        exchange.answered_at = self.clock.now()


_recorder: ContextVar[_Recorder | None] = ContextVar("osfutures_recorder", default=None)


class KeystoneSession(Protocol):
    """The part of `keystoneauth1.session.Session` that the capture needs."""

    session: Any


class _CapturingAuth:
    """The `auth` of a `requests.Session`, called with each request that is about to leave."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.cloud_time = CloudTime()
        #: The number of requests that have left.
        self.sent = 0
        self._numbers = itertools.count(1)
        #: The ids in the requests that may have attached a volume.
        self.attached: set[str] = set()

    def __call__(self, request: Any) -> Any:
        self.sent = next(self._numbers)
        if callable(self.original):
            request = self.original(request)
        request.register_hook("response", self.learn_time)
        if request.method == "POST" and _ATTACHING.search(request.path_url):
            self.attached.update(_ids_in(request))
        recorder = _recorder.get()
        changes = request.method not in ("GET", "HEAD", "OPTIONS")
        if recorder is not None and changes and not _TOKEN_URL.match(request.url):
            recorder.record_request(request)
        return request

    def learn_time(self, response: Any, **_: Any) -> None:
        self.cloud_time.learn_date(response.headers.get("Date"))


def install(session: KeystoneSession) -> CloudTime:
    """Capture the requests of `session` from now on; return the cloud's time by its responses.

    A second call for the same session changes nothing.
    """
    return _installed(session).cloud_time


def sent_requests(session: KeystoneSession) -> int:
    """Return the number of requests that `session` has sent since its capture began.

    Requests for tokens count too.
    """
    return _installed(session).sent


def may_be_attached(session: KeystoneSession, volume: str) -> bool:
    """Return True if a request of `session` may have attached the volume with this id."""
    return volume in _installed(session).attached


def _ids_in(request: Any) -> list[str]:
    body = request.body
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    return _ID.findall(f"{request.path_url} {text if isinstance(text, str) else ''}")


def _installed(session: KeystoneSession) -> _CapturingAuth:
    http = session.session
    if not isinstance(http.auth, _CapturingAuth):
        original = http.auth
        if isinstance(original, tuple):
            from requests.auth import HTTPBasicAuth

            original = HTTPBasicAuth(*original)
        http.auth = _CapturingAuth(original)
    auth: _CapturingAuth = http.auth
    return auth


@contextmanager
def captured_exchanges(
    clock: Clock, before: BeforeSending | None = None, into: list[Exchange] | None = None
) -> Iterator[list[Exchange]]:
    """Collect the exchanges that change something, inside the `with` and in this thread.

    Args:
        clock: Clock for the times of the exchanges.
        before: Called with each request before it leaves.
        into: List that the exchanges are appended to (default: a new one).
    """
    recorder = _Recorder(clock, before, [] if into is None else into)
    token = _recorder.set(recorder)
    try:
        yield recorder.exchanges
    finally:
        _recorder.reset(token)


def _document(body: Any) -> Any:
    """Return a body as JSON; None if it is no JSON (an upload, an empty response)."""
    if not isinstance(body, str | bytes):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
