"""What holds over all workers of pytest-xdist together."""

from __future__ import annotations

import textwrap
from itertools import pairwise

from tests.chaos.suite import World


def test_max_servers(world: World) -> None:
    text = """
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_one(number, os_servers):
        os_servers.create_async(f"web-{number}").result()
    """
    run = world.run(textwrap.dedent(text), "-n3", "--os-max-servers=1")
    assert run.wait() == 0, run.out
    rows = world.ask("/_osf/history")["resources"]
    servers = [row for row in rows if row["kind"] == "server"]
    assert len(servers) == 6
    for before, after in pairwise(servers):
        assert before["deleted_at"] <= after["created_at"]
    world.settle()


def test_all_workers_are_of_one_run(world: World) -> None:
    text = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_one(number, os_volumes):
        os_volumes.create_async().result()
    """
    run = world.run(textwrap.dedent(text), "-n2")
    assert run.wait() == 0, run.out
    rows = world.ask("/_osf/history")["resources"]
    runs = {row["metadata"]["osf_run"] for row in rows if row["kind"] == "volume"}
    assert len(runs) == 1
    world.settle()
    assert list(world.ledgers.iterdir()) == []
