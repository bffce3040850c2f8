"""Plans of reads for a number of resources, and the meaning of an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.engine.poll_plan import (
    OVERLAP,
    READS_PER_LIST,
    RESOURCES_PER_READ,
    ReadContext,
    ReadRequest,
    ReadResult,
    plan,
)
from pytest_osfutures.operations.model import ResourceRef, ResourceType
from pytest_osfutures.operations.resource_types import ATTACHMENT
from tests.unit.scripted import SERVER, VOLUME


def refs(kind: ResourceType, names: list[str]) -> list[ResourceRef]:
    """One resource for each name."""
    return [kind.ref(id=name, server=name, volume=name) for name in names]


some_names = st.lists(st.sampled_from("abcdefghijklmnop"), unique=True)
situations = st.builds(
    ReadContext,
    kind=st.sampled_from([SERVER, VOLUME, ATTACHMENT]),
    microversion=st.just("2.95"),
    total=st.integers(0, 1000),
    offset=st.none() | st.floats(-1e9, 1e9),
    since=st.floats(0, 1e6),
    allowed=st.integers(0, 8),
)


@given(situations, some_names, some_names, some_names)
def test_every_wish_is_served_or_waits_for_the_clouds_date(
    context: ReadContext, wanted: list[str], confirm: list[str], overdue: list[str]
) -> None:
    kind = context.kind
    reads = plan(context, refs(kind, wanted), refs(kind, confirm), refs(kind, overdue))
    served = {ref for request in reads for ref in request.refs}
    missing = set(refs(kind, wanted)) | set(refs(kind, confirm)) - served
    missing -= served
    if missing:  # the first read tells the date, the next plan serves the others
        assert kind.changes_since
        assert context.offset is None
        assert served & set(refs(kind, wanted))


@given(situations, some_names, some_names)
def test_a_resource_to_confirm_is_read_by_id(
    context: ReadContext, wanted: list[str], confirm: list[str]
) -> None:
    kind = context.kind
    reads = plan(context, refs(kind, wanted), refs(kind, confirm))
    alone = {request.path for request in reads if not request.listing}
    assert alone >= {ref.path for ref in refs(kind, confirm)}
    assert all(request.path == request.refs[0].path for request in reads if not request.listing)


@given(situations, some_names, some_names)
def test_nothing_is_asked_for_twice_by_id(
    context: ReadContext, wanted: list[str], confirm: list[str]
) -> None:
    kind = context.kind
    reads = plan(context, refs(kind, wanted * 2), refs(kind, confirm * 2))
    paths = [request.path for request in reads]
    assert len(paths) == len(set(paths))


@given(situations, some_names, some_names)
def test_reads_do_not_grow_with_the_wishes_where_there_is_a_list(
    context: ReadContext, wanted: list[str], overdue: list[str]
) -> None:
    kind = context.kind
    reads = plan(context, refs(kind, wanted), (), refs(kind, overdue))
    if kind.list_path is not None:
        assert sum(request.listing for request in reads) <= 1
        assert len(reads) <= READS_PER_LIST + max(1, context.total // RESOURCES_PER_READ)


def test_one_or_two_resources_are_read_by_id_and_more_by_a_list() -> None:
    context = ReadContext(VOLUME, "3.70")
    assert [request.listing for request in plan(context, refs(VOLUME, ["a", "b"]))] == [
        False,
        False,
    ]
    assert [request.listing for request in plan(context, refs(VOLUME, ["a", "b", "c"]))] == [True]


def test_a_long_list_costs_as_much_as_some_more_reads_by_id() -> None:
    changes = ReadContext(SERVER, "", total=3 * RESOURCES_PER_READ, offset=0.0)
    assert len(plan(changes, refs(SERVER, list("abcde")))) == 1  # it is as long as what is new
    five = refs(VOLUME, list("abcde"))
    assert len(plan(ReadContext(VOLUME, "", total=3 * RESOURCES_PER_READ), five)) == 5
    assert len(plan(ReadContext(VOLUME, "", total=2 * RESOURCES_PER_READ), five)) == 1


@given(st.floats(0, 1e6), st.floats(1e6, 2e9))
def test_a_list_of_changes_reaches_back_far_enough(since: float, offset: float) -> None:
    context = ReadContext(SERVER, "", offset=offset, since=since)
    (request,) = plan(context, refs(SERVER, list("abc")))
    assert request.since is not None
    text = request.path.partition("changes-since=")[2]
    asked = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert asked <= since + offset - OVERLAP + 1e-3
    assert asked > since + offset - OVERLAP - 1.001


def test_those_that_were_not_mentioned_for_long_are_asked_for() -> None:
    context = ReadContext(SERVER, "", offset=0.0)
    wanted = refs(SERVER, list("abcd"))
    reads = plan(context, wanted, (), wanted[:1])
    assert [request.path for request in reads if not request.listing] == ["/servers/a"]
    (everything,) = plan(context, wanted, (), wanted)
    assert everything.since is None


def test_a_short_full_list_replaces_reads_by_id() -> None:
    wanted = refs(SERVER, list("abcd"))
    for total, full in ((0, False), (4, True), (RESOURCES_PER_READ, True), (51, False)):
        context = ReadContext(SERVER, "", total=total, offset=0.0)
        reads = plan(context, wanted, (), wanted[:1])
        assert [request.listing for request in reads] == ([True] if full else [False, True])
        assert (reads[-1].since is None) == full


def test_two_servers_are_read_by_one_list_if_the_list_is_short() -> None:
    for total, numbers in ((4, [True]), (51, [False, False])):
        context = ReadContext(SERVER, "", total=total, offset=0.0)
        reads = plan(context, refs(SERVER, ["a", "b"]))
        assert [request.listing for request in reads] == numbers


def answered(found: dict[str, dict[str, str]], **request: object) -> ReadResult:
    """An answer of 5 s to 7 s on the engine's clock about the servers a and b."""
    asked = ReadRequest(SERVER, "", tuple(refs(SERVER, ["a", "b"])), "/x", **request)  # type: ignore[arg-type]
    return ReadResult(asked, 5.0, 7.0, found)


def test_a_resource_missing_in_a_list_is_absent_but_unconfirmed() -> None:
    result = answered({"a": {"status": "ACTIVE"}}, listing=True)
    there, absent = (result.observation(ref) for ref in refs(SERVER, ["a", "b"]))
    assert there is not None
    assert absent is not None
    assert (there.requested_at, there.body) == (5.0, {"status": "ACTIVE"})
    assert absent.body is None
    assert not absent.confirmed


def test_a_list_of_changes_tells_nothing_about_unchanged_resources() -> None:
    result = answered({"a": {"status": "ACTIVE"}}, listing=True, since=3.0)
    there, unchanged = (result.observation(ref) for ref in refs(SERVER, ["a", "b"]))
    assert there is not None
    assert unchanged is None


def test_a_failed_read_says_nothing() -> None:
    request = ReadRequest(SERVER, "", tuple(refs(SERVER, ["a"])), "/servers/a")
    assert ReadResult(request, 1, 2, error="503").observation(request.refs[0]) is None


def test_a_read_tells_nothing_about_resources_not_requested() -> None:
    assert answered({}).observation(SERVER.ref(id="other")) is None


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0, 1000), min_size=1))
def test_the_offset_never_exceeds_the_real_one(real: float, ages: list[float]) -> None:
    date = 7.0 + real + 1_700_000_000  # the cloud's, when it answered
    found = {
        f"s{n}": {"updated": datetime.fromtimestamp(int(date - age), UTC).isoformat()}
        for n, age in enumerate(ages)
    }
    offset = answered(found, listing=True).offset()
    assert offset is not None
    assert offset <= real + 1_700_000_000 + 1e-3


def test_without_a_date_there_is_no_offset() -> None:
    assert answered({}).offset() is None
    assert answered({"a": {"updated": "soon"}}).offset() is None
    assert answered({"a": {"status": "x"}}).offset() is None


def test_dates_without_a_zone_are_utc() -> None:
    plain = answered({"a": {"updated_at": "2026-11-24T02:00:00.000000"}}).offset()
    zulu = answered({"a": {"updated": "2026-11-24T02:00:00Z"}}).offset()
    assert plain == zulu


def test_an_implausible_date_does_not_hide_changes() -> None:
    date = 1_700_000_000.0
    sound = {"updated": datetime.fromtimestamp(date, UTC).isoformat()}
    found: Any = {"a": sound, "b": {"updated": "9999-12-31T23:59:59Z"}, "c": {"updated": ["x"]}}
    result = replace(answered(found, listing=True), local_time=date)
    assert result.offset() == date - result.answered_at
    alone = replace(answered({"b": found["b"]}), local_time=date)
    assert alone.offset() is None
