"""python-novaclient: twins on its managers and resources."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.clients.managers import Bind, put_on_managers

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def put_twins(nova: Any, bind: Bind) -> None:
    """Put the twins on `nova`, a novaclient Client."""
    from novaclient.base import Manager

    put_on_managers(nova, bind, "compute", Manager)
