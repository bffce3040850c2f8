"""Plain calls of a client become futures: submit, watch, undo, decide, try again."""

from pytest_osfutures.calls.arguments import Repeatable, copied
from pytest_osfutures.calls.context import CallLedger, ClientContext, ClientSettings, ToClientObject
from pytest_osfutures.calls.readiness import checked, start_wait, target_of
from pytest_osfutures.calls.request import ANSWER_TIMEOUT
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once

__all__ = [
    "ANSWER_TIMEOUT",
    "CallLedger",
    "ClientContext",
    "ClientSettings",
    "Repeatable",
    "ToClientObject",
    "checked",
    "copied",
    "start_once",
    "start_retried",
    "start_wait",
    "target_of",
]
