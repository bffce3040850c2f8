"""A teardown has a deadline, prints progress messages, and removes obstacles."""

from __future__ import annotations

import re
import time

import pytest

from tests.plugin.test_factories import LEFT, run

QUICK = """
from pytest_osfutures.scopes import progress, scope
scope.UNBLOCK_AFTER = 1.0
progress.FIRST_PAUSE = 0.2
"""
STUCK = """
from pytest_osfutures.fakecloud import Fault
def test_stuck(os_cloud, os_servers, os_volumes):
    os_servers.create_async("web").result()
    os_volumes.create_async().result()
    os_cloud.fake.faults.add(Fault("stuck", operation="server.delete"))
"""


def test_locked_and_protected_resources_are_deleted(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    text = """
    def test_some(os_cloud, os_servers, os_images, os_volumes):
        vm = os_servers.create_async("web").result()
        vm.lock()
        image = os_images.upload_async(b"data", "image", protected=True).result()
        volume = os_volumes.create_async().result()
        os_cloud.cinder.volumes.reserve(volume)

    def test_left(os_cloud):
        assert left(os_cloud) == []
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "obstacle",
    [
        # The volume of the first try cannot be read when the teardown looks for its servers.
        'Fault("status", method="GET", path=f"/volumes/{volume.id}", status=500, count=1)',
        'Fault("cut", method="GET", path=f"/volumes/{volume.id}", count=1)',
    ],
)
def test_unreadable_volume_is_detached_and_deleted(
    pytester: pytest.Pytester, obstacle: str
) -> None:
    pytester.makeconftest(QUICK)
    text = f"""
    from pytest_osfutures.fakecloud import Fault

    def test_attached(os_cloud, os_servers_module, os_volumes):
        vm = os_servers_module.create_async("web").result()
        volume = os_volumes.create_async().result()
        os_cloud.nova.volumes.create_server_volume_async(vm.id, volume.id).result()
        os_cloud.fake.faults.add({obstacle})

    def test_left(os_cloud):
        assert [row["name"] for row in left(os_cloud)] == ["web"]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_volume_that_another_program_has_attached_is_deleted(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    text = """
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.fakecloud.shells.inprocess import session

    def test_attached(os_cloud, os_servers_module, os_volumes):
        vm = os_servers_module.create_async("web").result()
        volume = os_volumes.create_async().result()
        other = Cloud("fake", session(os_cloud.fake), fake=os_cloud.fake)
        other.nova.volumes.create_server_volume_async(vm.id, volume.id).result()

    def test_left(os_cloud):
        assert [row["name"] for row in left(os_cloud)] == ["web"]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_unanswered_requests_of_other_scopes_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    text = """
    from pytest_osfutures.fakecloud import Fault

    others = []

    def test_own(os_cloud, os_servers, os_servers_module):
        os_cloud.fake.faults.add(Fault("delay", method="POST", path="/servers$", seconds=40.0))
        os_servers.create_async("own")
        others.append(os_servers_module.create_async("other"))

    def test_other(os_cloud):
        assert others[0].result().status == "ACTIVE"
        assert others[0].attempts == ()
        assert [row["name"] for row in left(os_cloud)] == ["other"]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_volume_on_a_host_is_detached_and_deleted(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    text = """
    def test_attached(os_cloud, os_volumes):
        volume = os_volumes.create_async().result()
        os_cloud.cinder.volumes.reserve(volume)
        os_cloud.cinder.volumes.attach(volume, None, "/dev/vdb", host_name="backup")

    def test_left(os_cloud):
        assert left(os_cloud) == []
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_stuck_deletion_ends_at_the_deadline_with_messages(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    began = time.monotonic()
    result = run(pytester, STUCK, "--os-teardown-timeout=4")
    assert time.monotonic() - began < 60
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "osfutures: the teardown of *::test_stuck waits for at most 4 s for deletions "
            "(* s so far): server *-*",
            "*1 of 2 resources could not be deleted*",
            "*server *-*: still being deleted after 4 s (--os-teardown-timeout)*",
        ]
    )
    result.stdout.fnmatch_lines(["NOT deleted: server web (*) of *::test_stuck: *"])


def test_background_deletions_print_messages_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK)
    result = run(pytester, STUCK, "--os-teardown-timeout=2", "--os-teardown=background")
    result.stdout.fnmatch_lines(
        ["osfutures: waiting for deletions in the background (* s so far): *::test_stuck"]
    )
    result.stdout.fnmatch_lines(["*still being deleted after 2 s (--os-teardown-timeout)*"])


def test_controller_prints_messages_of_its_workers(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(QUICK.replace("0.2", "1.0"))
    text = STUCK.replace(
        "def test_stuck(",
        "import pytest\n@pytest.mark.parametrize('number', [1, 2])\ndef test_stuck(number, ",
    )
    pytester.makepyfile(text)
    result = pytester.runpytest_subprocess("--os-cloud=fake", "-n2", "--os-teardown-timeout=4")
    result.assert_outcomes(passed=2, errors=2)
    lines = [line for line in result.outlines + result.errlines if " s so far)" in line]
    assert len(set(lines)) == len(lines)
    for number in (1, 2):
        start = rf"osfutures: gw[01]: the teardown of \S+::test_stuck\[{number}\] waits for at most"
        told = [line for line in lines if re.match(start, line)]
        assert any("(1 s so far): server " in line for line in told)
        assert any("(3 s so far): server " in line for line in told)
    assert not [line for line in lines if not line.startswith("osfutures: gw")]
    assert "Captured" not in result.stdout.str()
    assert " s so far" not in result.stderr.str()


@pytest.mark.parametrize("status", ["detaching", "maintenance"])
def test_volume_in_a_stuck_status_is_named(pytester: pytest.Pytester, status: str) -> None:
    pytester.makeconftest(QUICK)
    text = f"""
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.fakecloud.shells.inprocess import session

    def test_stuck(os_cloud, os_volumes):
        volume = os_volumes.create_async(name="disk").result()
        admin = Cloud("fake-admin", session(os_cloud.fake, "fake-admin"), fake=os_cloud.fake)
        admin.cinder.volumes.reset_state(volume, "{status}")
    """
    result = run(pytester, text, "--os-teardown-timeout=3")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "osfutures: the teardown of *::test_stuck waits for at most 3 s for deletions "
            "(* s so far): volume *-*",
            f"*volume *-*: *{status}*",
        ]
    )
    result.stdout.fnmatch_lines([f"NOT deleted: volume disk (*) of *::test_stuck: *{status}*"])


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--os-teardown-timeout=0", "'0' is not a number of seconds greater than 0"),
        ("--os-teardown-timeout=soon", "'soon' is not a number of seconds greater than 0"),
        ("--os-teardown-timeout=nan", "'nan' is not a number of seconds greater than 0"),
        ("--os-run=x", "'x' is no run's id: 16 hexadecimal digits"),
        ("--os-run=00112233AABBCCDD", "'00112233AABBCCDD' is no run's id: 16 hexadecimal"),
    ],
)
def test_wrong_option_is_a_usage_error(
    pytester: pytest.Pytester, option: str, sentence: str
) -> None:
    pytester.makepyfile("def test_x(os_cloud): pass")
    result = pytester.runpytest_inprocess("--os-cloud=fake", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert sentence in result.stderr.str()


def test_wrong_ini_value_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_x(os_servers): pass")
    pytester.makeini("[pytest]\nos_cloud = fake\nos_teardown_timeout = never\n")
    result = pytester.runpytest_inprocess()
    text = result.stdout.str() + result.stderr.str()
    assert "ini option os_teardown_timeout: 'never' is not a number of seconds" in text
