"""Lookup leaves malformed items of a list out."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.plugin.lookup import FLAVOR, IMAGE, NETWORK, Lookup, NamedCollection
from tests.unit.api import answer

GOOD = {"id": "good", "name": "good"}
MALFORMED: list[Any] = [None, 1, "x", [], {}, {"id": None}, {"id": "a", "name": []}, {"id": ""}]
MALFORMED += [{"id": key, "name": "a", key: "x"} for key in ("min_disk", "ram", "size", "vcpus")]


@pytest.mark.parametrize("collection", [IMAGE, FLAVOR, NETWORK], ids=lambda each: str(each.name))
def test_malformed_items_of_a_list_are_left_out(
    collection: NamedCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = osf.connect("fake")
    document = {collection.key: [*MALFORMED, GOOD]}
    monkeypatch.setattr(cloud.api_client, "send", lambda *_: answer(200, document))
    assert Lookup(cloud).all(collection) == [GOOD]
