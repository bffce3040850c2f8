"""`osf.scope` on the embedded fake: its factories, its end, its errors, its uses without pytest."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
import typing
import unittest
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.scopes import factories
from pytest_osfutures.scopes.factories.base import Factory

trio = pytest.importorskip("trio")

Main = Callable[[], Coroutine[Any, Any, Any]]
RUNS: dict[str, Callable[[Main], Any]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "trio": trio.run,
}


@pytest.fixture(params=list(RUNS))
def run(request: pytest.FixtureRequest) -> Callable[[Main], Any]:
    return RUNS[request.param]


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """Each test leaves the signal handlers as they were."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def left(cloud: osf.Cloud) -> list[str]:
    """Return the stamped resources of the embedded fake."""
    assert cloud.fake is not None
    return [row["name"] for row in cloud.fake.alive() if "osf" in str(row.get("metadata"))]


def test_the_end_deletes_what_factories_and_clients_have_created() -> None:
    with osf.scope("fake", name="a script") as s:
        web, disk = s.servers.create_async("web"), s.volumes.create_async(size=1, name="disk")
        vm, volume = osf.gather(web, disk)
        s.attachments.create_async(vm, volume).result()
        s.cloud.cinder.volumes.create_async(1, name="further").result()
        cloud, rows = s.cloud, s._run.ledger.rows("bound")
        assert sorted(left(cloud)) == ["disk", "further", "web"]
        assert {(row.kind, row.name, row.test) for row in rows} >= {
            ("server", "web", "a script"),
            ("volume", "disk", "a script"),
        }
        assert cloud.run == s.run
        assert re.fullmatch(f"<ResourceScope 'a script', open, run {s.run}>", repr(s))
    assert left(cloud) == []
    assert repr(s) == "<ResourceScope 'a script', closed>"


def test_a_scope_has_all_factories() -> None:
    classes = [getattr(factories, name) for name in dir(factories)]
    wanted = {each for each in classes if isinstance(each, type) and issubclass(each, Factory)}
    assert len(wanted) >= 14
    found = {}
    for name, each in vars(osf.ResourceScope).items():
        if isinstance(each, property) and not name.startswith("_"):
            found[name] = typing.get_type_hints(each.fget)["return"]
    with osf.scope("fake") as s:
        for name, factory in found.items():
            assert isinstance(getattr(s, name), factory)
        assert s.servers is s.servers
    assert wanted <= set(found.values())


def test_settings_are_defaults_of_the_factories() -> None:
    with osf.scope("fake", flavor="m1.medium", network="none", timeout=90, try_count=2) as s:
        assert s.servers.create_async().result().flavor["original_name"] == "m1.medium"
        assert s.servers._limits({}) == {"try_count": 2, "tout": 90.0}
        flavor = s.cloud.nova.flavors.list()[0]
    with osf.scope("fake", flavor=flavor, max_servers=1) as s:
        first, second = s.servers.create_async(), s.servers.create_async()
        first.result()
        first.undo().result()
        assert second.result().flavor["original_name"] == flavor.name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"flavour": "m1.tiny"}, "osf.scope does not take flavour=; it takes image, flavor, "),
        ({"keep": "sometimes"}, "keep='sometimes': accepted are 'never', 'failed', 'always'"),
        ({"reaper": True}, "reaper=True: accepted are 'auto', 'off'"),
        ({"unknown": "ignore"}, "unknown='ignore': accepted are 'warn', 'error'"),
        ({"timeout": "5m"}, "timeout='5m' is not a number of seconds greater than 0"),
        ({"teardown_timeout": 0}, "teardown_timeout=0 is not a number of seconds greater than 0"),
        ({"expiry": 1e300}, "expiry=1e+300 is longer than 3153600000 seconds"),
        ({"try_count": 0}, "try_count=0 is not a whole number of 1 or more"),
        ({"max_servers": 1.5}, "max_servers=1.5 is not a whole number of 1 or more"),
        ({"run": "mine"}, "run='mine' is no run's id: 16 hexadecimal digits"),
        ({"ledger": 7}, "ledger=7 is no directory: a str or a pathlib.Path"),
        ({"image": ["a"]}, "image=['a'] is no name, no id and no object with an id"),
    ],
)
def test_bad_arguments_are_refused_before_anything_else(
    arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(osf.InvalidArgument, match=re.escape(sentence)):
        osf.scope("fake", **arguments)


@pytest.mark.parametrize("setting", ["image", "flavor", "network"])
def test_unknown_resources_are_named_at_the_beginning(setting: str) -> None:
    arguments: dict[str, Any] = {setting: "nope"}
    with pytest.raises(osf.InvalidArgument, match=f"^{setting}=: unknown {setting} 'nope'"):
        osf.scope("fake", **arguments).enter()


def test_a_factory_works_inside_the_scope_only() -> None:
    s = osf.scope("fake", name="mine")
    with pytest.raises(osf.InvalidArgument, match="the scope 'mine' is not open; use it inside"):
        _ = s.servers
    with s:
        servers = s.servers
        with pytest.raises(osf.InvalidArgument, match="the scope 'mine' is open already"):
            s.enter()
    with pytest.raises(osf.InvalidArgument, match="the scope is closed"):
        servers.create_async()
    s.close()  # again
    with s:
        assert s.servers is not servers


def test_an_error_of_the_body_deletes_and_goes_on() -> None:
    s = osf.scope("fake")

    def body() -> None:
        with s:
            clouds.append(s.cloud)
            s.servers.create_async("web").result()
            raise KeyError("body")

    clouds: list[osf.Cloud] = []
    with pytest.raises(KeyError, match="body"):
        body()
    assert left(clouds[0]) == []


@pytest.mark.parametrize("body", [None, ValueError("body"), KeyboardInterrupt("body")])
def test_a_failed_clean_up_keeps_the_error_of_the_body(
    body: BaseException | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_osfutures.scopes.scope.UNBLOCK_AFTER", 0.1)
    reason = r"1 of 1 resources could not be deleted\n.*server .* after 1 s \(teardown_timeout=\)"

    def script() -> None:
        with osf.scope("fake", teardown_timeout=1) as s:
            s.servers.create_async("web").result()
            assert s.cloud.fake is not None
            s.cloud.fake.faults.add(Fault("stuck", operation="server.delete"))
            if body is not None:
                raise body

    with pytest.raises((osf.CleanupError, KeyboardInterrupt)) as caught:
        script()
    if isinstance(body, KeyboardInterrupt):  # must end the script
        assert caught.value is body
        assert re.search(reason, body.__notes__[0])
    else:
        assert isinstance(caught.value, osf.CleanupError)
        assert re.search(reason, str(caught.value))
        assert caught.value.__context__ is body
        assert len(caught.value.left) == 1


@pytest.mark.parametrize(
    ("keep", "fails", "kept"),
    [("never", True, 0), ("failed", False, 0), ("failed", True, 1), ("always", False, 1)],
)
def test_keep(keep: Any, fails: bool, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    s = osf.scope("fake", keep=keep).enter()
    cloud = s.cloud
    s.servers.create_async("web").result()
    s.close(failed=fails)
    assert left(cloud) == ["web"] * kept
    assert len(re.findall(f"kept: server web .*osfutures reap .*{cloud.run}", caplog.text)) == kept


def test_scopes_of_several_threads_and_nested_ones() -> None:
    clouds: list[osf.Cloud] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with osf.scope("fake") as outer:
                web = outer.servers.create_async("web")
                with osf.scope("fake") as inner:
                    inner.volumes.create_async(name="disk").result()
                    assert left(inner.cloud) == ["disk"]
                    clouds.extend([outer.cloud, inner.cloud])
                assert web.exception() is None
                assert left(outer.cloud) == ["web"]
                assert web.result().status == "ACTIVE"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert len({each.run for each in clouds}) == 6
    assert [left(each) for each in clouds] == [[]] * 6


def test_unittest_classes() -> None:
    clouds: list[osf.Cloud] = []

    class Entered(unittest.TestCase):
        s: osf.ResourceScope
        web: osf.OperationFuture[osf.Server]

        @classmethod
        def setUpClass(cls) -> None:
            cls.s = cls.enterClassContext(osf.scope("fake"))
            cls.web = cls.s.servers.create_async("web")
            clouds.append(cls.s.cloud)

        def test_web(self) -> None:
            assert self.web.result().status == "ACTIVE"

        def test_failing(self) -> None:
            self.fail("on purpose")

    class Opened(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            s = osf.scope("fake").enter()
            cls.addClassCleanup(s.close)
            clouds.append(s.cloud)
            s.servers.create_async("web").result()
            raise unittest.SkipTest("not today")

        def test_web(self) -> None:
            raise AssertionError

    result = unittest.TestResult()
    for each in (Entered, Opened):
        unittest.defaultTestLoader.loadTestsFromTestCase(each).run(result)
    assert (result.testsRun, len(result.failures), result.errors) == (2, 1, [])
    assert len(result.skipped) == 1
    assert [left(each) for each in clouds] == [[], []]


def test_async_with(run: Callable[[Main], Any]) -> None:
    seen: list[osf.Cloud] = []

    async def main() -> None:
        async with osf.scope("fake") as s:
            seen.append(s.cloud)
            assert (await s.servers.create_async("web")).status == "ACTIVE"
            assert left(s.cloud) == ["web"]

    run(main)
    assert left(seen[0]) == []


def test_a_cancelled_task_deletes_before_it_ends(run: Callable[[Main], Any]) -> None:
    seen: list[osf.Cloud] = []

    async def work() -> None:
        async with osf.scope("fake") as s:
            seen.append(s.cloud)
            await s.servers.create_async("web")
            if run is RUNS["trio"]:
                trio.lowlevel.current_task().parent_nursery.cancel_scope.cancel()
                await trio.sleep_forever()
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            asyncio.get_running_loop().call_later(0.05, task.cancel)  # while it deletes
            await asyncio.Event().wait()

    async def main() -> None:
        if run is RUNS["trio"]:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(work)
            return
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(work())

    run(main)
    assert left(seen[0]) == []


def test_async_errors_stay_together(
    run: Callable[[Main], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_osfutures.scopes.scope.UNBLOCK_AFTER", 0.1)

    async def main() -> None:
        async with osf.scope("fake", teardown_timeout=1) as s:
            await s.servers.create_async("web")
            assert s.cloud.fake is not None
            s.cloud.fake.faults.add(Fault("stuck", operation="server.delete"))
            raise ValueError("body")

    with pytest.raises(osf.CleanupError) as caught:
        run(main)
    assert str(caught.value.__context__) == "body"
