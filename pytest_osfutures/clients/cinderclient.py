"""python-cinderclient: twins on its managers and resources."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.clients.managers import Bind, put_on_managers

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def put_twins(cinder: Any, bind: Bind) -> None:
    """Put the twins on `cinder`, a cinderclient Client."""
    from cinderclient.base import Manager

    put_on_managers(cinder, bind, "block-storage", Manager)
