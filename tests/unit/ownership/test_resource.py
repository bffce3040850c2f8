"""Stamped resources, as they are read from the documents of the APIs."""

from __future__ import annotations

import pytest

from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import stamped_resource
from tests.unit.cleanup.test_sweep import stamp


@pytest.mark.parametrize("ident", [None, "", "../images/1"])
def test_a_stamped_resource_without_a_usable_id_is_left_out(ident: str | None) -> None:
    body = {"id": ident, "name": "web", "metadata": stamp().metadata()}
    assert stamped_resource(OWNED_TYPES["server"], body) is None
    assert stamped_resource(OWNED_TYPES["server"], {**body, "id": "a"}) is not None


def test_a_resource_without_a_stamp_is_left_out() -> None:
    assert stamped_resource(OWNED_TYPES["server"], {"id": "a", "metadata": {"a": "b"}}) is None
