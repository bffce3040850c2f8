"""The tests that have failed, and the classes, modules and sessions around them (--os-keep)."""

from __future__ import annotations

import pytest

_FAILED: pytest.StashKey[bool] = pytest.StashKey()
_RAISED: pytest.StashKey[bool] = pytest.StashKey()


def mark_failed(item: pytest.Item) -> None:
    """Mark a test, its class, its module and the session as failed."""
    for node in item.listchain():
        node.stash[_FAILED] = True


def has_failed(node: pytest.Item | pytest.Collector) -> bool:
    """Return True if a test has failed, or a test within a class, module or session."""
    return node.stash.get(_FAILED, False)


def mark_raised(item: pytest.Item) -> None:
    """Mark a test, its class, its module and the session as ended by an exception.

    So do failed tests, and those that expect a failure or skip themselves.
    """
    for node in item.listchain():
        node.stash[_RAISED] = True


def has_raised(node: pytest.Item | pytest.Collector) -> bool:
    """Return True if an exception has ended a test, or a test within a class, module or session."""
    return node.stash.get(_RAISED, False)
