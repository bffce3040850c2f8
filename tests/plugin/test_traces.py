"""Retries and unwatched failures are warnings of the tests that needed the resources."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run

WHY = "Build of instance"

#: Undoes the filters of the run of these tests, in which warnings are errors.
INI = "[pytest]\nfilterwarnings =\n  default\n  ignore::pytest.PytestAssertRewriteWarning\n"
SUITE = """
    import concurrent.futures
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories
    from pytest_osfutures.fakecloud import Fault

    def retried(cloud, count=1):
        cloud.fake.faults.add(Fault("error", operation="server.create", count=count))

    def failing(cloud):
        cloud.fake.faults.add(Fault("error", operation="server.create", resource="bad"))

    def fails(future):
        concurrent.futures.wait([future])
        return future
"""


@pytest.fixture(autouse=True)
def plain_filters(pytester: pytest.Pytester) -> None:
    """Let warnings be warnings."""
    pytester.makeini(
        "[pytest]\nfilterwarnings =\n  default\n  ignore::pytest.PytestAssertRewriteWarning"
    )


def warnings_of(result: pytest.RunResult) -> list[tuple[str, str]]:
    """The warnings of a run's summary: the tests and the sentences."""
    found, tests = list[tuple[str, str]](), list[str]()
    for line in result.outlines[result.outlines.index(find(result, "warnings summary")) :]:
        if "Warning: " in line:
            found += [(test, line.partition("Warning: ")[2]) for test in tests]
            tests = []
        elif "::" in line and not line.startswith(" "):
            tests.append(line.partition("::")[2])
    return found


def find(result: pytest.RunResult, text: str) -> str:
    """The first line of the output with a text."""
    return next(line for line in result.outlines if text in line)


def test_a_retried_operation_is_a_warning_of_its_test(pytester: pytest.Pytester) -> None:
    text = """
    def test_twice(os_cloud, os_servers):
        retried(os_cloud, 2)
        os_servers.create_async("web").result()

    def test_plain(os_servers):
        os_servers.create_async("web").result()

    @pytest.fixture(scope="module")
    def shared(os_cloud, os_servers_module):
        retried(os_cloud)
        return os_servers_module.create_async("db")

    def test_needs(shared):
        assert shared.result().name == "db"

    def test_needs_too(shared):
        assert shared.result().name == "db"

    def test_many(os_cloud, os_servers):
        retried(os_cloud, 3)
        osf.gather([os_servers.create_async() for _ in range(3)])

    def test_never_created(os_cloud, os_servers):
        failing(os_cloud)
        with pytest.raises(osf.ObjectCreationError):
            os_servers.create_async("bad").result()
    """
    result = run(pytester, SUITE + text)
    result.assert_outcomes(passed=6, warnings=3)
    told = dict(warnings_of(result))
    assert told.keys() == {"test_twice", "test_needs", "test_many"}
    assert told["test_twice"].startswith(
        f"server.create of 'web' succeeded only when tried again: {WHY}"
    )
    assert told["test_twice"].endswith("(2 x)")
    assert told["test_many"].endswith("(3 x)")
    result.stdout.fnmatch_lines(
        [f"  {pytester.path}/*.py:*: RetryWarning: server.create of 'web'*"]
    )


def test_an_unwatched_failure_is_a_warning_of_its_test(pytester: pytest.Pytester) -> None:
    text = """
    def test_unwatched(os_cloud, os_servers):
        failing(os_cloud)
        fails(os_servers.create_async("bad"))

    def test_follow_up(os_servers):
        fails(os_servers.create_async("bad").next(str))

    def test_function_that_raises(os_servers):
        fails(os_servers.create_async("web").next(lambda vm: vm.no_such_attribute))

    def test_many(os_servers):
        [fails(os_servers.create_async(f"bad{number}")) for number in range(3)]

    @pytest.fixture(scope="module")
    def kept(os_servers_module):
        return os_servers_module.create_async("bad")

    def test_needs(kept):
        fails(kept)

    def test_needs_too(kept):
        pass

    @pytest.mark.parametrize("how", [
        lambda future: future.exception(),
        lambda future: pytest.raises(osf.ObjectCreationError, future.result),
        lambda future: pytest.raises(osf.ObjectCreationError, osf.gather, future),
        lambda future: concurrent.futures.wait([future]).done.pop().exception(),
        lambda future: next(osf.as_completed([future])).exception(),
        lambda future: fails(future).next(str).exception(),
        lambda future: (fails(future.next(str)), future.exception()),
        lambda future: fails(future).undo().result(),
        lambda future: future.cancel() or future.undo().result(),
        lambda future: None,
    ])
    def test_taken(os_servers, how):
        how(os_servers.create_async("bad", try_count=1))

    def test_await(os_servers):
        async def take():
            with pytest.raises(osf.ObjectCreationError):
                await os_servers.create_async("bad")
        import asyncio
        asyncio.run(take())

    @pytest.fixture
    def finalized(os_servers):
        yield fails(os_servers.create_async("bad")).exception()

    def test_taken_in_teardown(finalized):
        pass
    """
    result = run(pytester, SUITE + text, "--os-try-count=1")
    told = dict(warnings_of(result))
    assert told.keys() == {
        "test_unwatched", "test_follow_up", "test_function_that_raises", "test_many", "test_needs",
    }  # fmt: skip
    result.assert_outcomes(passed=18, warnings=5)
    sentence = "server.create of 'bad' failed, and nothing asked for the result: "
    assert told["test_unwatched"].startswith(sentence + WHY)
    assert told["test_follow_up"].startswith(sentence + WHY)
    assert told["test_needs"].startswith(sentence + WHY)
    assert "AttributeError" in told["test_function_that_raises"]
    assert told["test_many"].startswith("3 x server.create failed, and nothing asked for the res")


RETRIED_AND_UNWATCHED = """
    def test_retried(os_cloud, os_servers):
        retried(os_cloud)
        os_servers.create_async("web").result()

    def test_unwatched(os_cloud, os_servers):
        failing(os_cloud)
        fails(os_servers.create_async("bad"))
"""


@pytest.mark.parametrize("way", ["option", "ini", "filter"])
def test_retries_and_unwatched_failures_can_be_errors(pytester: pytest.Pytester, way: str) -> None:
    options = ["--os-retries=fail", "--os-unwatched=fail"] if way == "option" else []
    ini = {
        "option": "",
        "ini": "os_retries = fail\nos_unwatched = fail\n",
        "filter": "  error::pytest_osfutures.RetryWarning\n"
        "  error::pytest_osfutures.UnwatchedWarning\n",
    }
    pytester.makeini(INI + ini[way])
    result = run(pytester, SUITE + RETRIED_AND_UNWATCHED, *options)
    result.assert_outcomes(failed=1, passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_unwatched*",
            "*server.create of 'bad' failed, and nothing asked for the result: Build of inst*",
            "*_ test_retried _*",
            "*server.create of 'web' succeeded only when tried again: Build of inst*(1 x)",
        ]
    )
    assert "traces.py" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_failure_of_a_wider_scope_is_an_error_of_the_test_that_needed_it(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    text = """
    @pytest.fixture(scope="module")
    def kept(os_cloud, os_servers_module):
        failing(os_cloud)
        return fails(os_servers_module.create_async("bad", try_count=1))

    def test_needs(kept): ...
    def test_other(): ...
    """
    pytester.makepyfile(SUITE + text)
    result = pytester.runpytest(
        "--os-cloud=fake", "--os-unwatched=fail", "-p", "osfutures", *workers
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of *::test_needs*", "*nothing asked for*"])


@pytest.mark.parametrize("way", ["option", "filter"])
def test_retries_and_unwatched_failures_can_be_silent(pytester: pytest.Pytester, way: str) -> None:
    options = {
        "option": ["--os-retries=silent", "--os-unwatched=silent"],
        "filter": [f"-Wignore::pytest_osfutures.{n}Warning" for n in ("Retry", "Unwatched")],
    }
    result = run(pytester, SUITE + RETRIED_AND_UNWATCHED, *options[way])
    result.assert_outcomes(passed=2, warnings=0)


@pytest.mark.parametrize("name", ["retries", "unwatched"])
def test_an_unknown_word_is_a_usage_error(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile("def test_x(os_cloud): pass")
    result = pytester.runpytest_inprocess("--os-cloud=fake", f"--os-{name}=ignore")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'ignore' is none of warn, silent, fail" in result.stderr.str()


FAULTS = """
    import pytest
    from pytest_osfutures.fakecloud import Fault
    from pytest_osfutures.plugin.fixtures import run_session_of

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(session):
        if not hasattr(session.config, "workerinput") and session.config.option.numprocesses:
            return
        faults = run_session_of(session.config).cloud.fake.faults
        for name, count in [("web", 2), ("db", 4), ("bad", None)]:
            faults.add(Fault("error", operation="server.create", resource=name, count=count))
"""
LOOKAHEAD = """
    import time
    import pytest
    from pytest_osfutures import factories

    web = factories.server("web")
    db = factories.server("db", scope="module")
    bad = factories.server("bad", try_count=1)
    disk = factories.volume()
    io = factories.attachment(bad, disk)
    wrong = factories.server(flavor="no-such-flavor")

    def test_first(os_cloud):
        while len(os_cloud.nova.servers.list(search_opts={"status": "ACTIVE"})) < 2:
            time.sleep(0.1)

    def test_web(web):
        web.result()

    def test_db(db):
        db.result()

    def test_db_too(db):
        db.result()

    def test_io(io):
        while not io.done():
            time.sleep(0.1)

    def test_wrong(wrong):
        while not wrong.done():
            time.sleep(0.1)

    @pytest.fixture
    def skips():
        pytest.skip()

    def test_skipped(skips, bad):
        pass
"""


@pytest.mark.parametrize("options", [(), ("-n1", "--dist=loadfile")])
def test_lookahead_tells_the_tests_that_needed_the_resources(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makeconftest(FAULTS)
    pytester.makepyfile(LOOKAHEAD)
    result = pytester.runpytest("--os-cloud=fake", "-p", "osfutures", *options)
    told = dict(warnings_of(result))
    assert told.keys() == {"test_web", "test_db", "test_io", "test_wrong"}
    result.assert_outcomes(passed=6, skipped=1, warnings=4)
    assert told["test_web"].endswith("(2 x)")
    assert told["test_db"].endswith("(4 x)")
    assert "'bad' failed, and nothing asked" in told["test_io"]
    assert "no-such-flavor" in told["test_wrong"]
