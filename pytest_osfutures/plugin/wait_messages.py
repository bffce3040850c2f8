"""Messages about waits that take long, on pytest's terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from pytest_osfutures import scopes
from pytest_osfutures.plugin.run_id import say, worker_id
from pytest_osfutures.plugin.xdist import send_message


def progress_messages(
    config: pytest.Config, text: str, names: Callable[[], list[str]] = list
) -> AbstractContextManager[None]:
    """Return a context that prints messages about a wait.

    Args:
        config: pytest's configuration; the controller of pytest-xdist prints for its workers.
        text: the reason for the wait.
        names: returns the names of the resources that are waited for.
    """
    tell = send_message if worker_id(config) else say
    return scopes.progress_messages(partial(tell, config), text, names)
