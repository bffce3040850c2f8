"""The mark on everything that this package creates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.stamp import EXPIRES, OF, OPERATION, RUN, Stamp, new_id

STAMP = Stamp("run-1", "op-1", 1_900_000_000)
WRITTEN = Stamp("0" * 16, "1" * 16, 1_900_000_000)


def test_a_stamp_is_metadata_of_strings() -> None:
    assert STAMP.metadata() == {RUN: "run-1", OPERATION: "op-1", EXPIRES: "1900000000"}


@pytest.mark.parametrize("metadata", [{"mine": "1"}, {}, None])
def test_stamping_keeps_other_metadata_and_the_callers_document(
    metadata: dict[str, str] | None,
) -> None:
    request = {"server": {"name": "web", "metadata": metadata}}
    stamped = STAMP.put_on(request, "server.metadata")
    assert stamped["server"]["metadata"] == {**(metadata or {}), **STAMP.metadata()}
    assert stamped["server"]["name"] == "web"
    assert request == {"server": {"name": "web", "metadata": metadata}}


def test_a_stamp_is_put_into_a_request_without_metadata() -> None:
    assert STAMP.put_on({"volume": {}}, "volume.metadata")["volume"]["metadata"]


@given(st.dictionaries(st.text(), st.text()))
def test_a_stamp_is_found_on_its_own_resource_only(metadata: dict[str, str]) -> None:
    other = Stamp("run-1", "op-2", 1)
    resource = STAMP.put_on({"server": {"metadata": metadata}}, "server.metadata")["server"]
    assert STAMP.is_on(resource)
    assert not other.is_on(resource)


@pytest.mark.parametrize("resource", [{}, {"metadata": None}, {"metadata": {}}, {"metadata": []}])
def test_a_stamp_is_not_found_on_resources_without_one(resource: dict[str, object]) -> None:
    assert not STAMP.is_on(resource)


@given(st.one_of(st.none(), st.text()))
def test_a_description_keeps_the_users_words_and_ends_with_it(words: str | None) -> None:
    stamped = WRITTEN.put_on({"network": {"description": words}}, "network.description")["network"]
    assert stamped["description"].startswith(words or "osf-")
    assert Stamp.of(stamped, described=True) == WRITTEN
    assert WRITTEN.is_on(stamped)


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        WRITTEN.description()[4:],
        WRITTEN.description() + " was its stamp",
        "my" + WRITTEN.description(),
        WRITTEN.description() + "-web",
        WRITTEN.description().replace("1111", "111"),
    ],
)
def test_a_description_that_is_nearly_one_is_none(description: str | None) -> None:
    assert Stamp.of({"description": description}, described=True) is None


def test_a_description_counts_only_where_nothing_else_could_carry_it() -> None:
    assert Stamp.of({"description": WRITTEN.description(), "metadata": {}}) is None
    assert Stamp.of({"description": WRITTEN.description()}) is None


def test_a_new_image_gets_an_id_that_the_stamp_names() -> None:
    stamped = STAMP.put_on({"name": "picture"}, ".")
    assert stamped["id"] == stamped[OF]
    assert stamped["id"] != STAMP.put_on({"name": "picture"}, ".")["id"]
    assert STAMP.put_on({"id": "mine"}, ".")[OF] == "mine"
    assert Stamp.of(stamped) == STAMP


def test_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "expires", ["²", "٣", "9" * 5000, "-1", "", "1e9", None, [], {}, 1.5, True]
)
def test_an_invalid_expiry_makes_no_stamp(expires: object) -> None:
    metadata = {**STAMP.metadata(), EXPIRES: expires}
    assert Stamp.of({"metadata": metadata}) is None
    assert Stamp.of({"description": f"osf-{'0' * 16}-{'1' * 16}-{expires}"}, True) is None


@pytest.mark.parametrize("run", [None, 1.5, [], {}, "a/b", "\ud800", "a\x1b[2J"])
def test_an_invalid_run_makes_no_stamp(run: object) -> None:
    assert Stamp.of({"metadata": {**STAMP.metadata(), RUN: run}}) is None
    assert Stamp.of({"metadata": {**STAMP.metadata(), OPERATION: run}}) is None
