"""Sessions of keystoneauth1, with the connections and retries that this package needs."""

from __future__ import annotations

from time import monotonic
from typing import Any

from pytest_osfutures.redaction import hide_in_logs
from pytest_osfutures.transport.responses import RETRYABLE_STATUSES
from pytest_osfutures.transport.session_errors import refuses_credentials

#: Number of connections: one for each of the engine's requests, and more for the user's calls.
CONNECTIONS = 64
#: Number of retries of a request for a token, and urllib3's backoff factor (0, 1 and 2 seconds).
TOKEN_TRIES, TOKEN_PAUSE = 3, 0.5
#: Seconds for which a refusal of the credentials is remembered.
REFUSED_SECONDS = 5.0


def session_of(region: Any) -> Any:
    """Return the session of a configuration, with more connections and with retries for tokens.

    requests keeps ten connections, and closes others with a warning. keystoneauth1 requests a token
    once, so that a short failure of Keystone would end a run.
    """
    from keystoneauth1.session import TCPKeepAliveAdapter
    from urllib3 import Retry as Again

    session = region.get_session()
    hide_in_logs(session)
    for scheme in ("http://", "https://"):
        session.session.mount(scheme, TCPKeepAliveAdapter(pool_maxsize=CONNECTIONS))
    again = Again(
        TOKEN_TRIES,
        connect=0,  # an unreachable host is reported at once
        allowed_methods=None,
        status_forcelist=RETRYABLE_STATUSES,
        backoff_factor=TOKEN_PAUSE,
        raise_on_status=False,
        respect_retry_after_header=False,  # it may be an hour
    )
    where = str(getattr(session.auth, "auth_url", None) or "").rstrip("/")
    for path in ("/auth/tokens", "/v3/auth/tokens") if where else ():
        session.session.mount(where + path, TCPKeepAliveAdapter(max_retries=again))
    return session


def remember_refusals(auth: Any) -> None:
    """Raise a refusal of the credentials again for some seconds, without a request."""
    ask = getattr(auth, "get_auth_ref", None)
    if ask is None:  # an auth plugin without Keystone
        return
    refused: list[tuple[float, Exception]] = []

    def asked(session: Any) -> Any:
        if refused and monotonic() < refused[-1][0] + REFUSED_SECONDS:
            raise refused[-1][1]
        try:
            return ask(session)
        except Exception as error:
            if refuses_credentials(error):
                refused[:] = [(monotonic(), error)]
            raise

    auth.get_auth_ref = asked
