"""The server limit, --os-keep, --os-teardown, and the clean-up at the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from tests.plugin.test_factories import LEFT, run


def test_servers_above_the_limit_wait(pytester: pytest.Pytester) -> None:
    text = """
    from itertools import islice
    import pytest_osfutures as osf
    def test_wait(os_cloud, os_servers):
        futures = {os_servers.create_async(f"web-{n}") for n in range(3)}
        first, second = islice(osf.as_completed(futures), 2)  # in the order of completion
        (third,) = futures - {first, second}
        assert not third.done()
        assert len(left(os_cloud)) == 2
        first.result().delete_async().result()
        assert third.result().status == "ACTIVE"
        assert third.attempts == ()
        assert len(left(os_cloud)) == 2
    """
    run(pytester, LEFT + text, "--os-max-servers=2").assert_outcomes(passed=1)


def test_keep_failed(pytester: pytest.Pytester) -> None:
    text = """
    def test_good(os_servers):
        os_servers.create_async("good").result()

    def test_bad(os_servers, os_volumes):
        os_servers.create_async("bad").result()
        os_volumes.create_async(name="disk").result()
        assert 0

    def test_left(os_cloud):
        assert sorted(row["name"] for row in left(os_cloud)) == ["bad", "disk"]
    """
    result = run(pytester, LEFT + text, "--os-keep=failed")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "kept: server bad (*) of test_keep_failed.py::test_bad",
            "kept: volume disk (*) of test_keep_failed.py::test_bad",
        ]
    )


LOST = """
    def test_good(os_servers):
        os_servers.create_async("good").result()

    def test_bad(os_servers, os_volumes, os_cloud):
        os_cloud.cinder.volumes.create_async(1, name="twin").result()
        os_servers.create_async("bad").result()
        os_volumes.create_async(name="disk").result()
        path = os_cloud.ledger.path
        for each in path.parent.glob(path.name + "*"):
            each.write_bytes(b"garbage" * 4000)
        assert 0
"""


@pytest.mark.slow  # the reaper looks for the stamp for half a minute
@pytest.mark.parametrize(("args", "left"), [([], ["bad", "disk"]), (["-n1"], None)])
def test_keep_failed_without_the_ledger(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str, args: list[str], left: Any
) -> None:
    pytester.makepyfile(LOST)
    ledgers = pytester.path / "ledgers"
    options = (f"--os-cloud={http_cloud}", "--os-keep=failed", f"--os-ledger={ledgers}")
    result = pytester.runpytest_subprocess(*options, *args)
    (log,) = ledgers.glob("*.log")
    wait_for(lambda: "so nothing is deleted" in log.read_text())  # the reaper's last word
    rows = [row for row in served.alive() if row["kind"] in ("server", "volume")]
    names = sorted(row["name"] for row in rows)
    if left is None:
        assert {"bad", "disk"} <= set(names)
        result.assert_outcomes(passed=1, failed=1, errors=1)
        result.stdout.fnmatch_lines(["NOT deleted: what run * has left: *cannot be used*"])
    else:
        assert names == left
        result.stdout.fnmatch_lines(["*going by the stamps in the cloud", "kept: *", "kept: *"])


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_keep_always_keeps_the_resources_of_a_class(pytester: pytest.Pytester) -> None:
    text = """
    class TestClass:
        def test_one(self, os_servers_class):
            os_servers_class.create_async("web").result()

    def test_left(os_cloud):
        assert [row["name"] for row in left(os_cloud)] == ["web"]
    """
    run(pytester, LEFT + text, "--os-keep=always").assert_outcomes(passed=2)


def test_failed_background_deletion_is_an_error_of_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_osfutures.scopes.scope.UNBLOCK_AFTER", 0.5)
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_stuck(os_cloud, os_servers):
        os_servers.create_async("stuck").result()
        os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))

    def test_other(os_cloud):
        pass
    """
    result = run(pytester, LEFT + text, "--os-teardown=background", "--os-teardown-timeout=5")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of *test_stuck*", "*server *-*-*: *409*"])
    assert result.ret == 1


def test_next_test_starts_during_background_deletion(pytester: pytest.Pytester) -> None:
    text = """
    def test_one(os_servers, os_volumes):
        os_servers.create_async().result(), os_volumes.create_async().result()

    def test_two(os_cloud):
        assert left(os_cloud)
        os_cloud.fake.clock.sleep(30)
        assert not left(os_cloud)
    """
    run(pytester, LEFT + text, "--os-teardown=background").assert_outcomes(passed=2)


def test_resources_without_a_factory_are_deleted_at_the_end(pytester: pytest.Pytester) -> None:
    text = """
    def test_careless(os_cloud, os_servers):
        vm = os_servers.create_async().result()
        os_cloud.cinder.volumes.create_async(1, name="forgotten").result()
        os_cloud.cinder.volumes.create(1, name="on purpose")
        (forgotten,) = [row for row in left(os_cloud) if row["name"] == "forgotten"]
        assert forgotten["metadata"]["osf_run"] == os_cloud.run
        (own,) = [row for row in left(os_cloud) if row["name"] == "on purpose"]
        assert own["metadata"] == {}
    """
    result = run(pytester, LEFT + text)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["deleted 1 resource that the tests had left"])


def test_refused_requests_leave_nothing_in_the_ledger(pytester: pytest.Pytester) -> None:
    text = """
    import pytest
    from novaclient.exceptions import BadRequest

    def test_refused(os_cloud, os_keypairs):
        with pytest.raises(BadRequest):
            os_cloud.nova.servers.create_async("web", "no-image", "no-flavor", nics="none")
        with pytest.raises(BadRequest):
            os_keypairs.create(public_key="no key")

    def test_nothing_is_left(os_cloud):
        assert os_cloud.ledger.left() == 0
    """
    run(pytester, text).assert_outcomes(passed=2)


def test_failed_deletion_at_the_end_fails_the_run(pytester: pytest.Pytester) -> None:
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_careless(os_cloud):
        os_cloud.cinder.volumes.create_async(1, name="forgotten").result()
        os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))
    """
    result = run(pytester, LEFT + text)
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["NOT deleted: volume forgotten (*) of *::test_careless: DELETE answered 409: *"]
    )


def test_servers_and_snapshots_are_deleted_before_volumes(
    pytester: pytest.Pytester,
) -> None:
    text = """
    import pytest_osfutures as osf

    def test_attached(os_cloud, os_volumes, os_snapshots, os_servers):
        vm, disk = osf.gather(os_servers.create_async(), os_volumes.create_async())
        os_snapshots.create_async(disk).result()
        os_cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()

    def test_nothing_is_left(os_cloud):
        assert left(os_cloud) == []
        deleted = {row["kind"]: row["deleted_at"] for row in os_cloud.fake.ever()}
        assert deleted["server"] < deleted["volume"]
        assert deleted["snapshot"] < deleted["volume"]
        requests = os_cloud.fake.counters
        assert not [each for each in requests if "DELETE" in each and "attachments" in each]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_images_and_keypairs_are_stamped_and_deleted(pytester: pytest.Pytester) -> None:
    text = """
    import time

    def kinds(cloud):
        return [row["kind"] for row in cloud.fake.alive() if "osf_run" in row["metadata"]]

    def test_some(os_cloud, os_servers, os_images, os_keypairs):
        key = os_keypairs.create("mine")
        assert key.name.endswith("-mine")
        assert key.name.startswith(f"osf-{os_cloud.run}-")
        assert "PRIVATE KEY" in key.private_key
        vm = os_servers.create_async(key_name=key.name).result()
        image = os_images.create_async(vm, "picture").result()
        end = time.monotonic() + 30
        while not [row for row in os_cloud.fake.alive() if row["name"] == "picture"
                   and row["metadata"]["osf_of"] == row["id"]]:
            assert time.monotonic() < end
        assert sorted(kinds(os_cloud)) == ["image", "server"]

    def test_nothing_is_left(os_cloud):
        assert kinds(os_cloud) == []
        assert os_cloud.nova.keypairs.list() == []
    """
    run(pytester, text).assert_outcomes(passed=2)


def test_image_of_a_foreign_server_is_not_deleted(pytester: pytest.Pytester) -> None:
    text = """
    def test_inherited(os_cloud, os_servers, os_images):
        ours = os_images.create_async(os_servers.create_async().result()).result()
        nova, flavor = os_cloud.nova, os_cloud.nova.flavors.find(name="m1.nano")
        ours = [row for row in os_cloud.fake.alive() if "osf_of" in row["metadata"]][0]["id"]
        server = nova.servers.create("foreign", ours, flavor, nics="none")
        os_cloud.fake.clock.sleep(60)
        nova.servers.create_image(server, "foreign")

    def test_it_stays(os_cloud):
        from pytest_osfutures.clock import SystemClock
        from pytest_osfutures.cleanup.sweep import Sweep, SweepContext

        os_cloud.fake.clock.sleep(60)
        sweep = Sweep(SweepContext(os_cloud.api_client, SystemClock(), print), lambda _: True)
        assert sweep.remove(sweep.find()) == {}
        rows = os_cloud.fake.alive()
        assert [row["name"] for row in rows if row["name"] == "foreign"] == ["foreign", "foreign"]
    """
    run(pytester, text).assert_outcomes(passed=2)
