"""A plain call of a client becomes a future: submit, watch, decide, undo, try again."""

from pytest_osfutures.calls.admission import PATIENCE
from pytest_osfutures.calls.arguments import Repeatable, copied
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.calls.submit import ClientContext, Ledger, ToClientObject

__all__ = [
    "PATIENCE",
    "ClientContext",
    "Ledger",
    "Repeatable",
    "ToClientObject",
    "copied",
    "start_once",
    "start_retried",
]
