"""What a cloud lists is looked through, whatever odd things are in its lists."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.plugin.lookup import FLAVOR, IMAGE, NETWORK, Kind, Lookup
from tests.unit.api import answer

GOOD = {"id": "good", "name": "good"}
ODD: list[Any] = [None, 1, "x", [], {}, {"id": None}, {"id": "a", "name": []}, {"id": ""}]
ODD += [{"id": key, "name": "a", key: "x"} for key in ("min_disk", "ram", "size", "vcpus")]


@pytest.mark.parametrize("kind", [IMAGE, FLAVOR, NETWORK], ids=lambda kind: str(kind.name))
def test_odd_items_of_a_list_are_left_out(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = osf.connect("fake")
    document = {kind.collection: [*ODD, GOOD]}
    monkeypatch.setattr(cloud.api_client, "send", lambda *_: answer(200, document))
    assert Lookup(cloud).all(kind) == [GOOD]
