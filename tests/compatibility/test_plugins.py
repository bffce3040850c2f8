"""Suites keep their resources in order with the plugins that testers use beside this one."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.compatibility.conftest import Run

DECLARED = """
    import pytest
    from pytest_osfutures import factories

    web = factories.server()
    disk = factories.volume(size=1, scope="module")

    @pytest.mark.parametrize("number", range(3))
    def test_declared(web, disk, number):
        assert web.result().status == "ACTIVE"
        assert disk.result().status in ("available", "in-use")

    class TestClass:
        @pytest.fixture(scope="class")
        def own(self, os_servers_class):
            return os_servers_class.create_async("own")

        @pytest.mark.parametrize("number", range(2))
        def test_own(self, own, os_volumes, number):
            assert own.result().name == "own"
            os_volumes.create_async().result()
"""


def created(cloud: FakeCloud, kind: str) -> int:
    """Return the number of resources that were ever created, all deleted by now."""
    assert not {row["kind"] for row in cloud.alive()} & {"server", "volume"}
    return [row["kind"] for row in cloud.ever()].count(kind)


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_xdist(run: Run, served: FakeCloud, dist: str) -> None:
    run("", DECLARED, "-n2", f"--dist={dist}").assert_outcomes(passed=5)
    assert created(served, "server") in (4, 5)  # that of the class may be needed in both workers
    assert 3 <= created(served, "volume") <= 4


def test_xdist_with_all_tests_in_each_worker(run: Run, served: FakeCloud) -> None:
    run("", DECLARED, "-n2", "--dist=each").assert_outcomes(passed=10)
    assert created(served, "server") == 8
    assert created(served, "volume") == 6


def test_rerunfailures(run: Run, served: FakeCloud) -> None:
    text = """
    from pytest_osfutures import factories

    web, tries = factories.server(), []

    def test_flaky(web, os_volumes, os_cloud):
        tries.append(web.result().id)
        os_volumes.create_async().result()
        assert len(os_cloud.cinder.volumes.list()) == 1
        assert len(tries) == 3
        assert len(set(tries)) == 3

    def test_next(web):
        web.result()
    """
    pytest.importorskip("pytest_rerunfailures")
    result = run("pytest_rerunfailures", text, "--reruns=2", "--os-teardown=wait")
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
    assert created(served, "server") == 4
    assert created(served, "volume") == 3


STUCK = """
    def test_stuck(os_servers, os_volumes):
        os_volumes.create_async().result()
        os_servers.create_async("web").result()
"""


def test_timeout_by_a_signal(run: Run, served: FakeCloud) -> None:
    pytest.importorskip("pytest_timeout")
    served.faults.add(Fault("stuck", operation="server.create"))
    result = run("pytest_timeout", STUCK, "--timeout=3", "--timeout-method=signal")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Timeout*3.0s*"])
    assert created(served, "volume") == 1


def test_timeout_in_a_thread_which_ends_the_process(run: Run, served: FakeCloud) -> None:
    pytest.importorskip("pytest_timeout")
    served.faults.add(Fault("stuck", operation="server.create"))
    result = run("pytest_timeout", STUCK, "--timeout=3", "--timeout-method=thread")
    assert "Timeout" in result.stdout.str() + result.stderr.str()
    left = {"server", "volume"}
    while left & {row["kind"] for row in served.alive()}:
        served.clock.sleep(1.0)  # until the reaper has deleted them
    assert created(served, "volume") == 1


def test_asyncio(run: Run, served: FakeCloud) -> None:
    text = """
    import asyncio
    import pytest
    import pytest_asyncio

    @pytest_asyncio.fixture
    async def web(os_servers):
        return await os_servers.create_async("web")

    async def test_await(web, os_servers, os_volumes):
        assert web.status == "ACTIVE"
        other, disk = await asyncio.gather(
            as_coroutine(os_servers.create_async("other")),
            asyncio.wrap_future(os_volumes.create_async(1)),
        )
        assert (other.status, disk.status) == ("ACTIVE", "available")
        async with asyncio.timeout(60):
            await os_servers.create_async("third")

    async def as_coroutine(future):
        return await future
    """
    pytest.importorskip("pytest_asyncio")
    run("pytest_asyncio.plugin", text, "--asyncio-mode=auto").assert_outcomes(passed=1)
    assert created(served, "server") == 3


def test_anyio_with_asyncio_and_trio(run: Run, served: FakeCloud) -> None:
    text = """
    import anyio
    import pytest
    from pytest_osfutures import factories

    declared = factories.server()
    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param

    @pytest.fixture
    async def web(os_servers):
        return await os_servers.create_async("web")

    async def test_await(web, declared, os_volumes):
        assert web.status == "ACTIVE"
        found = []

        async def create():
            found.append(await os_volumes.create_async(1))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(create)
            tasks.start_soon(create)
        assert [each.status for each in found] == ["available", "available"]
        assert (await declared).status == "ACTIVE"

    async def test_cancelled(os_servers):
        with anyio.move_on_after(0) as scope:
            await os_servers.create_async("slow")
        assert scope.cancelled_caught
    """
    pytest.importorskip("anyio")
    pytest.importorskip("trio")
    run("anyio", text).assert_outcomes(passed=4)
    assert created(served, "volume") == 4
    assert created(served, "server") == 6


@pytest.mark.parametrize("seed", range(3))
def test_randomly(run: Run, served: FakeCloud, seed: int) -> None:
    pytest.importorskip("pytest_randomly")
    run("pytest_randomly", DECLARED, f"--randomly-seed={seed}").assert_outcomes(passed=5)
    assert created(served, "server") == 4


def test_repeat(run: Run, served: FakeCloud) -> None:
    text = """
    from pytest_osfutures import factories

    web = factories.server()
    disk = factories.volume(size=1, scope="module")

    def test_it(web, disk):
        assert web.result().status == "ACTIVE"
        disk.result()
    """
    pytest.importorskip("pytest_repeat")
    run("pytest_repeat", text, "--count=3").assert_outcomes(passed=3)
    assert created(served, "server") == 3
    assert created(served, "volume") == 1


FAILING = """
    def test_failing(os_servers):
        os_servers.create_async("web", try_count=1).result()

    def test_passing(os_servers):
        os_servers.create_async("next").result()
"""


def fail_first_build(cloud: FakeCloud) -> None:
    """Let the first server end in ERROR."""
    cloud.faults.add(
        Fault("error", operation="server.create", count=1, message="No valid host was found")
    )


def test_html(run: Run, served: FakeCloud, pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_html")
    fail_first_build(served)
    page = pytester.path / "report.html"
    pytester.makeini("[pytest]\naddopts = -p pytest_metadata.plugin -p pytest_html.fixtures")
    run("pytest_html.plugin", FAILING, f"--html={page}").assert_outcomes(passed=1, failed=1)
    assert "No valid host was found" in page.read_text()
    assert created(served, "server") == 2


def test_allure(run: Run, served: FakeCloud, pytester: pytest.Pytester) -> None:
    pytest.importorskip("allure_pytest")
    fail_first_build(served)
    place = pytester.path / "allure"
    run("allure_pytest.plugin", FAILING, f"--alluredir={place}").assert_outcomes(passed=1, failed=1)
    assert any("No valid host was found" in each.read_text() for each in place.glob("*.json"))
    assert created(served, "server") == 2


def test_sugar(run: Run, served: FakeCloud) -> None:
    pytest.importorskip("pytest_sugar")
    fail_first_build(served)
    result = run("pytest_sugar", FAILING, "--force-sugar")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "No valid host was found" in result.stdout.str()
    assert created(served, "server") == 2


def test_subtests(run: Run, served: FakeCloud) -> None:
    text = """
    import pytest

    def test_it(os_servers, subtests):
        for name in ("a", "b", "c"):
            with subtests.test(name):
                assert os_servers.create_async(name).result().name != "b"
    """
    plugin = "" if hasattr(pytest, "Subtests") else "subtests"  # part of pytest 9
    if plugin:
        pytest.importorskip("pytest_subtests")
    result = run(plugin, text)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*SUBFAIL*test_it*"])
    assert created(served, "server") == 3


def test_unittest_classes(run: Run, served: FakeCloud) -> None:
    text = """
    import unittest
    import pytest

    @pytest.fixture(scope="class")
    def web(request, os_servers_class):
        request.cls.web = os_servers_class.create_async("web")

    @pytest.mark.usefixtures("web")
    class Test(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def factories(self, os_volumes):
            self.volumes = os_volumes

        def test_1(self):
            self.volumes.create_async().result()
            self.assertEqual(self.web.result().name, "web")

        def test_2(self):
            with self.subTest("status"):
                self.assertEqual(self.web.result().status, "ACTIVE")
    """
    run("", text).assert_outcomes(passed=2)
    assert created(served, "server") == 1
    assert created(served, "volume") == 1
