"""Which requests did this call make, and what was answered?

Every OpenStack client sends through a keystoneauth1 session, and this through one
`requests.Session`: its `auth` callable sees each request right before it leaves and hooks its
answer, and a context variable says whose call it is. Nothing of any client is patched.
"""

from __future__ import annotations

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
from pytest_osfutures.transport.responses import TRANSIENT, is_of_service, request_id

#: Looks at a request that is about to leave (method, URL, JSON body, headers); a body that it
#: returns is sent instead.
BeforeSending = Callable[[str, str, Any, Mapping[str, str]], Any]
#: The session's own requests for a token, which are not the call's.
_FOR_TOKEN = re.compile(r".*/(auth|v2\.0)/tokens/?(\?|\Z)")


@dataclass(eq=False, slots=True)
class Exchange:
    """One request that changes something, and its answer; `status` 0 means that none came.

    `sent_at` and `answered_at` are seconds on the engine's clock.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    request: Any
    sent_at: float
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    response: Any = None
    answered_at: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether the cloud took the request."""
        return 200 <= self.status < 300

    @property
    def ambiguous(self) -> bool:
        """Whether the cloud may have taken the request although it did not say so."""
        return self.status in (0, 500, 502, 503, 504)

    @property
    def from_proxy(self) -> bool:
        """Whether something in front of the service has refused the request."""
        refused = 300 <= self.status < 500 and self.status not in TRANSIENT
        return refused and not is_of_service(self.status, self.headers, self.response)

    @property
    def request_id(self) -> str | None:
        """The cloud's name for the request, which is also the key of the instance action."""
        return request_id(self.headers)


@dataclass(eq=False)
class _Recorder:
    clock: Clock
    before: BeforeSending | None
    exchanges: list[Exchange] = field(default_factory=list)

    def sending(self, sent: Any) -> None:
        document = _document(sent.body)
        if self.before is not None:
            changed = self.before(sent.method, sent.url, document, sent.headers)
            if changed is not None:
                document = changed
                sent.body = json.dumps(changed).encode()
        exchange = Exchange(sent.method, sent.url, sent.headers, document, self.clock.now())
        self.exchanges.append(exchange)
        sent.register_hook("response", partial(self.answered, exchange))

    def answered(self, exchange: Exchange, response: Any, stream: bool = False, **_: Any) -> None:
        exchange.status = response.status_code
        exchange.headers = response.headers
        exchange.response = None if stream else _document(response.content)
        exchange.answered_at = self.clock.now()


_recorder: ContextVar[_Recorder | None] = ContextVar("osfutures_recorder", default=None)


class KeystoneSession(Protocol):
    """The part of `keystoneauth1.session.Session` that is needed here."""

    session: Any


class _Watcher:
    """The `auth` of a `requests.Session`: called with each request that is about to leave."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.cloud_time = CloudTime()

    def __call__(self, sent: Any) -> Any:
        if callable(self.original):
            sent = self.original(sent)
        sent.register_hook("response", self.answered)
        recorder = _recorder.get()
        changes = sent.method not in ("GET", "HEAD", "OPTIONS")
        if recorder is not None and changes and not _FOR_TOKEN.match(sent.url):
            recorder.sending(sent)
        return sent

    def answered(self, response: Any, **_: Any) -> None:
        self.cloud_time.learn_date(response.headers.get("Date"))


def install(session: KeystoneSession) -> CloudTime:
    """Let captures see what goes through `session`; what its answers tell about the time.

    Doing it twice does no harm.
    """
    http = session.session
    if not isinstance(http.auth, _Watcher):
        original = http.auth
        if isinstance(original, tuple):
            from requests.auth import HTTPBasicAuth

            original = HTTPBasicAuth(*original)
        http.auth = _Watcher(original)
    watcher: _Watcher = http.auth
    return watcher.cloud_time


@contextmanager
def captured_exchanges(
    clock: Clock, before: BeforeSending | None = None, into: list[Exchange] | None = None
) -> Iterator[list[Exchange]]:
    """The changing requests that are made inside the `with`, in this thread, in their order."""
    recorder = _Recorder(clock, before, [] if into is None else into)
    token = _recorder.set(recorder)
    try:
        yield recorder.exchanges
    finally:
        _recorder.reset(token)


def _document(body: Any) -> Any:
    """The body as JSON; None for everything that is none (an upload, an empty answer)."""
    if not isinstance(body, str | bytes):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
