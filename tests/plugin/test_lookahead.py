"""Resources of coming tests are created while a test runs."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.plugin.test_factories import run

BEGIN = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

    def servers(cloud):
        return [row for row in cloud.fake.alive() if row["kind"] == "server"]

    def wait_until(cloud, condition):
        for _ in range(600):
            if condition():
                return
            cloud.fake.clock.sleep(0.5)
        raise AssertionError([str(row) for row in cloud.fake.alive()])
"""
THREE = """
    web = factories.server()

    def test_1(web, os_cloud):
        wait_until(os_cloud, lambda: len(servers(os_cloud)) == 3)

    def test_2(web):
        assert web.result().status == "ACTIVE"

    def test_3(web):
        assert web.result().status == "ACTIVE"
"""
COUNT = """
    def test_count(os_cloud):
        assert [row["kind"] for row in os_cloud.fake.ever()].count("server") == {count}
"""


def test_servers_of_coming_tests_are_created(pytester: pytest.Pytester) -> None:
    run(pytester, BEGIN + THREE + COUNT.format(count=3)).assert_outcomes(passed=4)


def test_deletions_are_in_the_background(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server()

    def test_1(web):
        web.result()

    def test_2(os_cloud):
        assert len(servers(os_cloud)) == 1
        wait_until(os_cloud, lambda: not servers(os_cloud))
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


@pytest.mark.parametrize(("depth", "count"), [("off", 1), ("1", 2), ("2", 3)])
def test_depth(pytester: pytest.Pytester, depth: str, count: int) -> None:
    text = f"""
    web = factories.server()

    def test_1(web, os_cloud):
        wait_until(os_cloud, lambda: len(servers(os_cloud)) >= {count})
        web.result()
        assert len(servers(os_cloud)) == {count}

    def test_2(web): ...
    def test_3(web): ...
    def test_4(web): ...
    """
    run(pytester, BEGIN + text, f"--os-lookahead={depth}").assert_outcomes(passed=4)


def test_need_of_a_fixture_of_a_fixture_is_known(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server()

    @pytest.fixture
    def address(web):
        return web.result().id

    def test_1(os_cloud):
        wait_until(os_cloud, lambda: len(servers(os_cloud)) == 1)

    def test_2(address): ...
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_skipped_tests_create_nothing(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server()
    disk = factories.volume()

    def test_1(disk):
        disk.result()

    @pytest.mark.skip
    def test_2(web): ...

    @pytest.mark.skipif("True", reason="text")
    def test_3(web): ...
    """
    result = run(pytester, BEGIN + text + COUNT.format(count=0))
    result.assert_outcomes(passed=2, skipped=2)


def test_resource_of_a_module_ends_with_its_last_user(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server(scope="module")

    @pytest.fixture(scope="module")
    def address(web):
        yield web.result().id

    def test_1(address): ...

    def test_2(web):
        assert web.result().status == "ACTIVE"

    def test_3(os_cloud):
        wait_until(os_cloud, lambda: not servers(os_cloud))

    def test_4(request):
        assert request.getfixturevalue("web").result().status == "ACTIVE"

    def test_5(): ...
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=5)


def test_servers_of_tests_that_do_not_come_are_deleted(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    text = """
    from pytest_osfutures import factories
    web = factories.server()

    def test_1(web, os_cloud):
        while len(os_cloud.nova.servers.list()) < 3: ...
        assert False

    def test_2(web): ...
    def test_3(web): ...
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "-x", "--os-ledger=ledgers")
    result.assert_outcomes(failed=1)
    assert [row for row in served.alive() if row["kind"] == "server"] == []
    assert [row["kind"] for row in served.ever()].count("server") == 3
    result.stdout.fnmatch_lines(["*; left behind: none"])


def test_quota_is_never_exceeded(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    served.settings.change({"quotas": {"instances": 2}})
    text = """
    import pytest
    from pytest_osfutures import factories
    web = factories.server()

    ever = set()

    @pytest.mark.parametrize("number", range(1, 5))
    def test_web(web, number, os_cloud):
        assert web.result().status == "ACTIVE"
        while len(ever) < min(number + 1, 4):  # until the next test's server is there
            ever.update(each.id for each in os_cloud.nova.servers.list())
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--os-ledger=ledgers")
    result.assert_outcomes(passed=4)
    assert served.counters["POST /compute/v2.1/servers"] == 4


def test_running_test_gets_the_room_of_coming_ones(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    served.settings.change({"quotas": {"instances": 3}})
    text = """
    import pytest_osfutures as osf
    from pytest_osfutures import factories
    web = factories.server()

    def test_1(os_servers, os_cloud):
        while len(os_cloud.nova.servers.list()) < 3: ...
        osf.gather([os_servers.create_async() for _ in range(3)])

    def test_2(web): web.result()
    def test_3(web): web.result()
    def test_4(web): web.result()
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--os-ledger=ledgers")
    result.assert_outcomes(passed=4)


def test_server_limit_holds(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server()

    @pytest.mark.parametrize("number", range(4))
    def test_web(web, number, os_cloud):
        web.result()
        assert len(servers(os_cloud)) <= 2
    """
    run(pytester, BEGIN + text, "--os-max-servers=2").assert_outcomes(passed=4)


def test_failed_creation_is_repeated_for_its_test(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    text = """
    from pytest_osfutures import factories
    web = factories.server("web", try_count=1)
    db = factories.server("db", try_count=1)

    def test_1(web, os_cloud):
        web.result()
        while not os_cloud.nova.servers.list(search_opts={"name": "db", "status": "ACTIVE"}): ...

    def test_2(db):
        assert db.result().status == "ACTIVE"
    """
    served.faults.add(Fault("error", operation="server.create", resource="db", count=1))
    place = f"--os-cloud={http_cloud}", "--os-ledger=ledgers"
    run(pytester, text, *place, "--os-retries=silent").assert_outcomes(passed=2)


def test_workers_look_ahead(pytester: pytest.Pytester, served: FakeCloud, http_cloud: str) -> None:
    served.settings.change({"quotas": {"instances": 4}})
    text = """
    import pytest
    from pytest_osfutures import factories
    web = factories.server()

    @pytest.mark.parametrize("number", range(12))
    def test_web(web, number):
        assert web.result().status == "ACTIVE"
    """
    pytester.makepyfile(text)
    result = pytester.runpytest_subprocess(
        f"--os-cloud={http_cloud}", "-n2", "--os-ledger=ledgers", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=12)
    assert [row for row in served.alive() if row["kind"] == "server"] == []


def test_a_chain_of_resources_goes_after_its_last_test(pytester: pytest.Pytester) -> None:
    text = """
    first = factories.volume(scope="module")
    second = factories.volume(source_volid=first, scope="module")
    third = factories.volume(source_volid=second, scope="module")
    fourth = factories.volume(source_volid=third, scope="module")
    fifth = factories.volume(source_volid=fourth, scope="module")
    sixth = factories.volume(source_volid=fifth, scope="module")

    def test_chain(sixth):
        assert sixth.result().status == "available"

    def test_after(os_cloud):
        wait_until(os_cloud, lambda: not os_cloud.cinder.volumes.list())
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_waiting_test_gets_the_equal_server_that_is_ready(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    text = """
    from pytest_osfutures import factories
    web = factories.server("web", tout=1000)

    def test_1(web):
        assert web.result(300).status == "ACTIVE"

    def test_2(web):
        assert web.result(300).status == "ACTIVE"

    def ledger(config):
        from pytest_osfutures.plugin.fixtures import run_session_of
        return run_session_of(config).ledger

    def test_3(web, os_cloud, pytestconfig):
        assert web.result(300).status == "ACTIVE"
        tests = {row.id: row.test for row in ledger(pytestconfig).rows("bound")}
        assert tests[web.result().id] == "{0}::test_3"
        stuck = os_cloud.nova.servers.list(search_opts={"status": "BUILD"})
        assert [tests[each.id] for each in stuck] == ["{0}::test_4"]

    def test_4(web): ...
    """.replace("{0}", "test_waiting_test_gets_the_equal_server_that_is_ready.py")
    served.faults.add(Fault("stuck", operation="server.create", count=1))
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--os-ledger=ledgers")
    result.assert_outcomes(passed=4)
    assert [row for row in served.alive() if row["kind"] == "server"] == []


def test_unanswered_question_for_a_coming_test_delays_no_other_test(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    text = """
    import pytest, threading
    from pytest_osfutures import factories
    from pytest_osfutures.transport import ApiClient

    web = factories.server(flavor="m1.tiny")
    asked, answered = threading.Event(), threading.Event()

    def test_1(os_cloud, monkeypatch_session):
        pass

    @pytest.fixture(scope="session")
    def monkeypatch_session(os_cloud):
        send = ApiClient.send

        def hang(self, *args, **kwargs):
            if threading.current_thread().name == "osfutures-lookahead":
                asked.set()
                answered.wait(60)
            return send(self, *args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ApiClient, "send", hang)
            yield

    def test_2(os_volumes):
        assert asked.wait(60)
        assert os_volumes.create_async().result().status == "available"

    def test_3(): ...

    def test_4():
        answered.set()

    def test_5(web):
        assert web.result().status == "ACTIVE"
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--os-ledger=ledgers")
    result.assert_outcomes(passed=5)
