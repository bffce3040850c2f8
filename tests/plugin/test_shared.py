"""Shared resources with one worker; tests/chaos has several workers."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import LEFT, run

WEB = """
    import pytest

    @pytest.fixture(scope="session")
    def web(os_servers_shared):
        return os_servers_shared.create_async("web", flavor="m1.tiny")
"""


def test_shared_server_is_created_once(pytester: pytest.Pytester) -> None:
    text = """
    def test_one(os_cloud, web):
        assert web.result().status == "ACTIVE"
        assert web.resource_id == web.result().id
        assert web.next(lambda vm: vm.name).result() == "web"
        assert web.chain.stop_async().result().status == "SHUTOFF"

    def test_two(os_cloud, web, os_servers_shared):
        again = os_servers_shared.create_async(name="web", flavor="m1.tiny", try_count=5)
        assert again is web
        assert [row["id"] for row in left(os_cloud)] == [web.resource_id]
        assert left(os_cloud)[0]["metadata"]["osf_run"] == os_cloud.run
    """
    careful = """
    def pytest_unconfigure(config):
        from pytest_osfutures.plugin.fixtures import RUN_SESSION
        cloud = config.stash[RUN_SESSION].cloud
        assert [row["kind"] for row in cloud.fake.ever() if row["name"] == "web"] == ["server"]
        assert not [row for row in cloud.fake.alive() if row["name"] == "web"]
    """
    pytester.makeconftest(careful)
    result = run(pytester, LEFT + WEB + text)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.no_fnmatch_line(
        "deleted *"
    )  # the shared scope deletes it, not the end of the run


def test_shared_resources_are_deleted_in_dependency_order(pytester: pytest.Pytester) -> None:
    text = """
    def test_all(os_cloud, web, os_volumes_shared, os_snapshots_shared, os_images_shared,
                 os_snapshots_session):
        disk = os_volumes_shared.create_async(2, "disk").result()
        snapshot = os_snapshots_shared.create_async(disk, "snapshot")
        assert os_snapshots_shared.create_async(disk.id, name="snapshot") is snapshot
        picture = os_images_shared.create_async(web.result(), "picture")
        assert picture.result() == picture.resource_id
        snapshot.result()
        os_snapshots_session.create_async(disk, "own").result()
        os_cloud.nova.volumes.create_server_volume_async(web.resource_id, disk.id).result()
    """
    result = run(pytester, WEB + text)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("deleted *")


def test_shared_factories_reject_wrong_arguments(pytester: pytest.Pytester) -> None:
    text = """
    import pytest_osfutures as osf
    from pytest_osfutures.fakecloud import Fault

    def test_nameless(os_volumes_shared):
        with pytest.raises(osf.InvalidArgument, match="a shared volume has no name; give it one"):
            os_volumes_shared.create_async(size=2)

    def test_other_arguments(web, os_servers_shared):
        words = r"server web .* arguments before \\(flavor\\)"
        with pytest.raises(osf.InvalidArgument, match=words):
            os_servers_shared.create_async("web", flavor="m1.small")

    def test_it_stays(web):
        with pytest.raises(osf.InvalidArgument, match="goes when the last worker"):
            web.undo()

    def test_a_wrong_one_is_no_ones(os_servers_shared):
        for _ in range(2):
            with pytest.raises(osf.InvalidArgument, match="unknown flavor 'nope'"):
                os_servers_shared.create_async("other", flavor="nope")
        assert os_servers_shared.create_async("other").result().name == "other"

    def test_a_failure_is_remembered(os_cloud, os_servers_shared):
        os_cloud.fake.faults.add(Fault("error", operation="server.create", count=1))
        for _ in range(2):
            with pytest.raises(osf.ObjectCreationError):
                os_servers_shared.create_async("bad", try_count=1).result()
    """
    run(pytester, WEB + text).assert_outcomes(passed=5)


def test_keep_failed_keeps_only_finished_shared_resources(pytester: pytest.Pytester) -> None:
    text = """
    def test_bad(os_cloud, web, os_servers_shared):
        web.result()
        os_cloud.fake.settings.seconds["server.create"] = 2000.0
        os_servers_shared.create_async("late")
        assert 0
    """
    result = run(pytester, WEB + text, "--os-keep=failed")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["kept: server web (*) of *::test_bad"])
    result.stdout.no_fnmatch_line("kept: server late*")
    result.stdout.no_fnmatch_line("deleted *")


def test_failed_deletion_of_a_shared_resource_is_an_error(pytester: pytest.Pytester) -> None:
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_stuck(os_cloud, web):
        web.result()
        os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))
    """
    result = run(pytester, WEB + text)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 of 1 shared resources could not be deleted*", "*DELETE*409*"])


def test_workers_share_nothing_on_the_embedded_fake(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.mark.parametrize("number", range(2))
    def test_it(number, os_cloud, web):
        vm = web.result()
        assert [row["id"] for row in left(os_cloud)] == [vm.id]
    """
    run(pytester, LEFT + WEB + text, "-n2").assert_outcomes(passed=2)
