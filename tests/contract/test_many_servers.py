"""Several servers of one request beside foreign ones (docs/operations.md#servers-create)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.stamp import OPERATION
from tests.contract.conftest import PATIENCE


@pytest.fixture
def foreign(cloud: Cloud, image: Any, flavor: Any) -> Iterator[Any]:
    """Yield a function that creates servers without stamps; delete them at the end."""
    made: list[Any] = []

    def make(*names: str, **more: Any) -> set[str]:
        create = cloud.nova.servers.create
        some = [create(name, image.id, flavor.id, nics="none", **more) for name in names]
        made.extend(some)
        return {each.id for each in some}

    yield make
    osf.gather(*(each.delete_async() for each in made), timeout=PATIENCE)


@pytest.fixture
def name() -> str:
    """Return a unique name that contains special characters of regular expressions."""
    return f"many.{uuid.uuid4().hex[:6]}+"


def alive(cloud: Cloud, name: str) -> set[str]:
    return {each.id for each in cloud.nova.servers.list() if each.name.startswith(name)}


@pytest.mark.parametrize("reservation", [None, True])
@pytest.mark.parametrize("twin", ["create_async", "create_async_r"])
def test_foreign_servers_of_the_same_names_are_left_alone(
    cloud: Cloud, image: Any, flavor: Any, foreign: Any, name: str, twin: str, reservation: Any
) -> None:
    before = foreign(f"{name}-1")
    create = getattr(cloud.nova.servers, twin)
    more = {"nics": "none", "min_count": 2, "reservation_id": reservation}
    future = create(name, image.id, flavor.id, **more)
    if twin == "create_async":
        _ = future.sync_res
    after = set() if twin == "create_async_r" else foreign(name, f"{name}-2", f"{name}-1")
    made = future.result(PATIENCE)
    after |= foreign(name, f"{name}-2", f"{name}-1")
    assert sorted(each.name for each in made) == [f"{name}-1", f"{name}-2"]
    assert not {each.id for each in made} & (before | after)
    future.undo().result(PATIENCE)
    assert alive(cloud, name) == before | after


def test_failed_servers_are_deleted_and_foreign_ones_stay(
    cloud: Cloud, image: Any, huge: Any, foreign: Any, name: str
) -> None:
    others = foreign(f"{name}-1", f"{name}-2")
    future = cloud.nova.servers.create_async_r(
        name, image.id, huge.id, nics="none", min_count=2, try_count=2
    )
    with pytest.raises(osf.ObjectCreationError, match="No valid host"):
        future.result(PATIENCE)
    assert alive(cloud, name) == others


def test_undo_names_and_keeps_a_server_without_its_stamp(
    cloud: Cloud, image: Any, flavor: Any, name: str
) -> None:
    future = cloud.nova.servers.create_async_r(name, image.id, flavor.id, nics="none", min_count=2)
    first, second = future.result(PATIENCE)
    mark = first.metadata[OPERATION]
    cloud.nova.servers.delete_meta(second, [OPERATION])
    failed = future.undo()
    with pytest.raises(osf.OSFuturesError, match=f"{second.id} does not carry its stamp"):
        failed.result(PATIENCE)
    there = [each for each in cloud.nova.servers.list() if each.name.startswith(name)]
    # The first server may still be deleting: the undo fails as soon as the second is refused.
    stays = {e.id for e in there if getattr(e, "OS-EXT-STS:task_state") != "deleting"}
    assert stays == {second.id}
    cloud.nova.servers.set_meta(second, {OPERATION: mark})
    future.undo().result(PATIENCE)
    assert alive(cloud, name) == set()


def test_many_servers_by_openstacksdk_and_by_the_plain_api(
    cloud: Cloud, image: Any, flavor: Any, foreign: Any, name: str
) -> None:
    wanted = {"imageRef": image.id, "flavorRef": flavor.id, "networks": "none", "min_count": 2}
    through = cloud.api("compute")
    through.default_microversion = "2.37"
    future = through.post_async_r("/servers", json={"server": {"name": name, **wanted}})
    future.exception(PATIENCE)
    others = foreign(f"{name}-1", f"{name}-2")
    assert future.exception() is None
    future.undo().result(PATIENCE)
    assert alive(cloud, name) == others
