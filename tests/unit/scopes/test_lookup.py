"""Lookup leaves malformed items of a list out."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.scopes.lookup import FLAVOR, IMAGE, NETWORK, Lookup, NamedCollection
from tests.unit.api import answer

GOOD = {"id": "good", "name": "good", "ram": 1, "disk": 1, "vcpus": 1}
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


@pytest.mark.parametrize("key", ["ram", "disk", "vcpus"])
def test_flavors_without_their_integers_are_left_out(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    cloud = osf.connect("fake")
    document = {"flavors": [{**GOOD, key: None}, {**GOOD, "id": "x"} | {key: "1"}, GOOD]}
    monkeypatch.setattr(cloud.api_client, "send", lambda *_: answer(200, document))
    assert Lookup(cloud).all(FLAVOR) == [GOOD]
