"""Clean servers serve the next test with equal arguments."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.plugin.test_factories import run

BEGIN = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

    web = factories.server(reuse=True)
    raw = factories.server(reuse="as-is")

    @pytest.fixture
    def count(os_cloud):
        return lambda: [row["kind"] for row in os_cloud.fake.ever()].count("server")

    @pytest.fixture
    def ledger(pytestconfig):
        from pytest_osfutures.plugin.fixtures import run_session_of
        return run_session_of(pytestconfig).ledger
"""
#: Without lookahead the next test has no server of its own yet.
ALONE = "--os-lookahead=off"


@pytest.mark.parametrize(("name", "rebuilt"), [("web", 2), ("raw", 0)])
def test_clean_server_serves_the_next_test(
    pytester: pytest.Pytester, name: str, rebuilt: int
) -> None:
    text = f"""
    ids = []

    @pytest.mark.parametrize("number", range(3))
    def test_web({name}, number, ledger, request, os_cloud):
        vm = {name}.result()
        assert vm.status == "ACTIVE"
        ids.append(vm.id)
        assert [row.test for row in ledger.rows("bound")] == [request.node.nodeid]
        actions = [each.action for each in os_cloud.nova.instance_action.list(vm.id)]
        assert actions.count("rebuild") == (number if {rebuilt} else 0)
        assert {name}.resource_id == vm.id

    def test_count(count):
        assert len(set(ids)) == count() == 1
    """
    run(pytester, BEGIN + text, ALONE).assert_outcomes(passed=4)


@pytest.mark.parametrize(
    "change",
    [
        "os_cloud.nova.servers.stop_async(vm.id).result()",
        "os_cloud.nova.servers.update(vm.id, name='other')",
        "os_cloud.nova.servers.lock(vm.id)",
        "os_cloud.nova.servers.set_meta(vm.id, {'a': 'b'})",
        "os_attachments.create_async(vm, os_volumes.create_async().result()).result()",
        "os_cloud.nova.servers.interface_attach(vm.id, None, None, None)",
        "pytest.skip()",
        "pytest.xfail()",
        "assert False",
    ],
)
def test_changed_server_is_not_used_again(pytester: pytest.Pytester, change: str) -> None:
    text = f"""
    def test_1(raw, os_cloud, os_volumes_module, os_volumes, os_attachments_module, os_attachments):
        vm = raw.result()
        os_volumes, os_attachments = os_volumes_module, os_attachments_module
        {change}

    def test_2(raw, count):
        assert raw.result().status == "ACTIVE"
        assert count() == 2
    """
    result = run(pytester, BEGIN + text, ALONE)
    assert result.parseoutcomes()["passed"] in (1, 2)
    assert "errors" not in result.parseoutcomes()
    result.stdout.no_fnmatch_line("*test_2*")


def test_arguments_have_to_be_equal(pytester: pytest.Pytester) -> None:
    text = """
    small = factories.server(flavor="m1.small", reuse=True)
    again = factories.server(reuse=True)
    plain = factories.server()

    def test_1(web): web.result()
    def test_2(small): small.result()

    @pytest.mark.os(flavor="m1.small")
    def test_3(web): web.result()

    def test_4(raw): raw.result()
    def test_5(plain): plain.result()

    def test_6(again, web, count):
        again.result(), web.result()
        assert count() == 5
    """
    # test_3 has the server of test_2, and test_6 that of test_1 and a new one.
    run(pytester, BEGIN + text, ALONE).assert_outcomes(passed=6)


def test_failed_rebuild_is_followed_by_a_new_server(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    text = """
    from pytest_osfutures import factories
    web = factories.server(reuse=True)

    def test_1(web): web.result()
    def test_2(web): assert web.result().status == "ACTIVE"
    """
    served.faults.add(Fault("error", operation="server.rebuild", count=1))
    options = f"--os-cloud={http_cloud}", "--os-ledger=ledgers", "-W", "always", ALONE
    result = run(pytester, text, *options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*RetryWarning: server.create of * only when tried again*"])
    assert served.counters["POST /compute/v2.1/servers"] == 2
    assert [row for row in served.alive() if row["kind"] == "server"] == []
    result.stdout.fnmatch_lines(["*; left behind: none"])


def test_reuse_within_the_quota(
    pytester: pytest.Pytester, served: FakeCloud, http_cloud: str
) -> None:
    served.settings.change({"quotas": {"instances": 2}})
    text = """
    import pytest
    from pytest_osfutures import factories
    web = factories.server(reuse=True)

    @pytest.mark.parametrize("number", range(6))
    def test_web(web, number):
        assert web.result().status == "ACTIVE"
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--os-ledger=ledgers")
    result.assert_outcomes(passed=6)
    assert served.counters["POST /compute/v2.1/servers"] == 2
    assert served.counters["DELETE /compute/v2.1/servers/{server_id}"] == 2
    assert [row for row in served.alive() if row["kind"] == "server"] == []


@pytest.mark.parametrize("keep", ["failed", "always"])
def test_kept_server_is_not_used_again(pytester: pytest.Pytester, keep: str) -> None:
    text = """
    def test_1(web):
        web.result()
        assert False

    def test_2(web, count, ledger):
        web.result()
        assert count() == 2
        assert [row.state for row in ledger.rows()] == ["kept", "bound"]
    """
    result = run(pytester, BEGIN + text, ALONE, f"--os-keep={keep}")
    result.assert_outcomes(passed=1, failed=1)


def test_other_values_are_refused(pytester: pytest.Pytester) -> None:
    result = run(pytester, "from pytest_osfutures import factories\nfactories.server(reuse=2)")
    result.stdout.fnmatch_lines(
        ["E*InvalidArgument: reuse=2: accepted are True, False and 'as-is'"]
    )
