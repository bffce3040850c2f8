"""The summary at the end of a run."""

from __future__ import annotations

import pytest

SUITE = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures.fakecloud import Fault

    @pytest.mark.parametrize("number", range(2))
    def test_both(os_servers, os_volumes, number):
        osf.gather(os_servers.create_async(), os_volumes.create_async())

    def test_many(os_cloud, os_servers):
        os_cloud.fake.faults.add(Fault("error", operation="server.create"))
        osf.gather([os_servers.create_async(try_count=1) for _ in range(5)])
"""


@pytest.mark.parametrize("workers", [(), ("-n2", "--dist=loadfile")])
def test_a_run_ends_with_a_summary(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("--os-cloud=fake", "-p", "osfutures", *workers)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= OpenStack resources =*",
            "operation * count * p50 * p95 * longest * tried again * failed",
            "server.create * 7 * s * s * s * 0 * 5",
            "server.delete * 2 * 0 * 0",
            "volume.create * 2 * 0 * 0",
            "failed: 5 x server.create: Build of instance <id> aborted: *",
            "the tests waited * s, one after another * s",
            "* API requests; at most 5 servers at a time; left behind: none",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "E *5 x server.create: Build of instance <id> aborted: *",
            "and 2 x server.create: Build of instance <id> aborted: *",
        ]
    )


def test_the_summary_tells_what_is_left(pytester: pytest.Pytester) -> None:
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_kept(os_volumes):
        os_volumes.create_async().result()
    """
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess("--os-cloud=fake", "--os-keep=always")
    result.stdout.fnmatch_lines(["*left behind: none (1 kept)", "kept: volume *"])


@pytest.mark.parametrize(
    ("options", "body"),
    [(("-q", "-q"), "os_volumes.create_async().result()"), ((), "os_volumes")],
)
def test_no_summary_where_none_is_wanted_or_nothing_was_done(
    pytester: pytest.Pytester, options: tuple[str, ...], body: str
) -> None:
    pytester.makepyfile(f"def test_x(os_volumes):\n    {body}")
    result = pytester.runpytest_inprocess("--os-cloud=fake", *options)
    result.stdout.no_fnmatch_line("*OpenStack resources*")
    assert result.ret == 0
