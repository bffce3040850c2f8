"""Which tests have failed, and with them the classes and modules that they are in."""

from __future__ import annotations

import pytest

_FAILED: pytest.StashKey[bool] = pytest.StashKey()


def mark_failed(item: pytest.Item) -> None:
    """This test has failed."""
    for node in item.listchain():
        node.stash[_FAILED] = True


def has_failed(node: pytest.Item | pytest.Collector) -> bool:
    """Whether a test has failed, or one within this class, module or session."""
    return node.stash.get(_FAILED, False)
