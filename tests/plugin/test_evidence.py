"""The report of a failed test has the evidence about its resources."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest

from pytest_osfutures.plugin import usage
from pytest_osfutures.scopes import scope
from tests.plugin.test_factories import run

#: The end of a folder's name, and the id in a file's name.
DIGEST = r"-[0-9a-f]{8}-[0-9a-f-]{27}|-[0-9a-f]{8}(?=[-/])"
HEAD = """
import pytest
import pytest_osfutures as osf
from pytest_osfutures import factories
from pytest_osfutures.fakecloud import Fault

def break_(os_cloud, effect="error", **matching):
    os_cloud.fake.faults.add(Fault(effect, **matching))
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time for questions, and the patience of teardowns."""
    monkeypatch.setattr(usage, "SECONDS", 1.0)
    monkeypatch.setattr(scope, "UNBLOCK_AFTER", 0.5)


def sections(result: pytest.RunResult) -> list[str]:
    """Return the text of each section with evidence."""
    found = re.split(r"^-+ (osfutures: evidence) -+$", result.stdout.str(), flags=re.MULTILINE)
    return [re.split(r"^[_=]{3,}.*", each, flags=re.MULTILINE)[0] for each in found[2::2]]


def files(pytester: pytest.Pytester, directory: str = "test-results/osfutures") -> list[str]:
    """Return the names of the files with evidence, without the digests of the folders."""
    top = pytester.path / directory
    names = (str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())
    return sorted(re.sub(DIGEST, "", name) for name in names)


def test_a_failed_test_tells_its_resources(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture(scope="module")
    def used(os_volumes_module):
        return os_volumes_module.create_async(1, "used").result()

    @pytest.fixture(scope="module")
    def unused(os_volumes_module):
        return os_volumes_module.create_async(1, "unused").result()

    web = factories.server(name="declared")

    def test_passed(os_cloud, os_servers, unused):
        os_servers.create_async("other").result()

    def test_failed(os_cloud, os_servers, used, web):
        os_cloud.fake.settings.console_output = "boot\\nroot password is hunter2\\nlogin:"
        plain = os_cloud.cinder.volumes.create_async(1, name="plain").result()
        vm = web.result()
        vm.stop_async().result()
        vm.lock_async().result()
        os_cloud.nova.servers.get_async(vm.id).result()
        assert vm.status == "GONE"
    """
    result = run(pytester, HEAD + dedent(text), "--junitxml=junit.xml", "--maxfail=1")
    result.assert_outcomes(passed=1, failed=1)
    (section,) = sections(result)
    heads = re.findall(r"^(\w+) '(\w+)' \([0-9a-f-]{36}\): (\w+)$", section, flags=re.MULTILINE)
    assert sorted(heads) == [
        ("server", "declared", "SHUTOFF"),
        ("volume", "plain", "available"),
        ("volume", "used", "available"),
    ]
    assert "ServerManager" not in section
    for operation in ("server.create", "server.stop", "volume.create"):
        assert re.search(rf"  {operation}: finished after .* s, last status \w+\n", section)
    assert re.search(r"    history: ACTIVE \(powering-off\) at 20\d\d-\S+Z, SHUTOFF \+", section)
    assert len(re.findall(r"    request id req-", section)) == 4
    assert "  console, the last 3 lines:\n    | boot\n    | root password: ***\n" in section
    assert files(pytester) == [
        "test_a_failed_test_tells_its_resources.py-test_failed/call-console.log",
        "test_a_failed_test_tells_its_resources.py-test_failed/call.txt",
    ]
    assert re.search(rf"^files: {pytester.path}/test-results/osfutures/\S+$", section, re.MULTILINE)
    cases = ET.parse(pytester.path / "junit.xml").iter("testcase")
    properties = {case.get("name"): list(case.iter("property")) for case in cases}
    assert properties["test_passed"] == []
    told = [f"{each.get('name')}: {each.get('value')}" for each in properties["test_failed"]]
    assert sum(each.startswith("osfutures.volume.") for each in told) == 2
    assert any(re.match(r"osfutures.server.\S+: declared; SHUTOFF; .*req-", each) for each in told)


def test_a_failed_creation_is_not_told_twice(pytester: pytest.Pytester) -> None:
    text = """
    def test_failed(os_cloud, os_servers):
        break_(os_cloud, operation="server.create", resource="web")
        os_servers.create_async("web", try_count=2).result()

    def test_elsewhere(os_cloud, os_servers):
        failed = os_servers.create_async("web", try_count=1)
        failed.exception()
        assert 0
    """
    result = run(pytester, HEAD + dedent(text))
    result.assert_outcomes(failed=2)
    twice, once = sections(result)
    error = re.search(
        r"^E .*ObjectCreationError(.|\n)*?(?=\n\S*:\d+: )", result.stdout.str(), re.MULTILINE
    )
    assert error is not None
    for line in error.group().splitlines()[1:]:
        assert line.removeprefix("E").strip() not in twice
    assert re.search(r"  history: BUILD .*, ERROR \+", twice)
    assert re.search(r"  fault 500: .*told to let this fail", once)
    assert "  event compute__do_build_and_run_instance: Error" in once


@pytest.mark.usefixtures("quick")
def test_setup_and_teardown_fail_before_resources_are_deleted(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture
    def early(os_servers):
        os_servers.create_async("early").result()
        raise ValueError("in setup")

    @pytest.fixture
    def late(os_servers):
        yield os_servers.create_async("late").result()
        raise ValueError("in teardown")

    def test_setup(early): pass
    def test_teardown(late): pass

    def test_stuck(os_cloud, os_servers):
        os_servers.create_async("stuck").result()
        break_(os_cloud, "stuck", operation="server.delete")
    """
    result = run(pytester, HEAD + dedent(text), "--os-teardown-timeout=1")
    result.assert_outcomes(passed=2, errors=3)
    teardown, setup, stuck = sorted(sections(result), key=lambda each: "'late'" not in each)
    assert re.match(r"\nserver 'early' \(\S+\): ACTIVE\n", setup)
    assert re.match(r"\nserver 'late' \(\S+\): ACTIVE\n", teardown)
    assert re.match(r"\nserver 'stuck' \(\S+\): ACTIVE \(deleting\)\n", stuck)
    assert "  instance action delete of " in stuck
    assert "def close" not in result.stdout.str()
    assert [name.rpartition("/")[2] for name in files(pytester) if name.endswith("txt")] == [
        "setup.txt",
        "teardown.txt",
        "teardown.txt",
    ]


@pytest.mark.usefixtures("quick")
def test_a_failed_deletion_in_the_background_has_evidence(pytester: pytest.Pytester) -> None:
    text = """
    def test_stuck(os_cloud, os_servers):
        os_servers.create_async("stuck").result()
        break_(os_cloud, "stuck", operation="server.delete", resource="stuck")

    def test_other(os_servers):
        os_servers.create_async("fine").result()
    """
    options = ("--os-teardown=background", "--os-teardown-timeout=1")
    result = run(pytester, HEAD + dedent(text), *options)
    result.assert_outcomes(passed=2, errors=1)
    (section,) = sections(result)
    assert re.match(r"\nserver 'stuck' \(\S+\): ACTIVE \(deleting\)\n", section)
    assert "    history: " in section
    assert "teardown.txt" in files(pytester)[-1]


def test_what_cannot_be_read_is_said_in_words(pytester: pytest.Pytester) -> None:
    text = """
    def test_failed(os_cloud, os_servers, os_volumes):
        osf.gather(os_servers.create_async("web"), os_volumes.create_async(1, "disk"))
        console = "os-getConsoleOutput"
        break_(os_cloud, "status", action=console, status=403, message="not yours")
        break_(os_cloud, "status", path="os-instance-actions", status=404, message="no actions")
        break_(os_cloud, "cut", path="messages")
        assert 0
    """
    result = run(pytester, HEAD + dedent(text))
    result.assert_outcomes(failed=1)
    (section,) = sections(result)
    assert "\n  console: the cloud does not show it (403: not yours)\n" in section
    assert "\n  instance actions: the cloud does not show it (404: no actions)\n" in section
    assert "\n  messages: not readable (ConnectFailure: " in section
    assert re.search(r"^server 'web' \(\S+\): ACTIVE$", section, re.MULTILINE)
    assert re.search(r"^volume 'disk' \(\S+\): available$", section, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_cloud_that_hangs_costs_its_own_facts(pytester: pytest.Pytester, http_cloud: str) -> None:
    text = """
    def test_failed(os_cloud, os_servers):
        web = os_servers.create_async("web").result()
        control = os_cloud.auth_url.replace("/identity/v3", "/_osf/faults")
        rule = {"effect": "delay", "action": "os-getConsoleOutput", "seconds": 2000}
        assert os_cloud.session.post(control, json=rule, authenticated=False).ok
        assert 0
    """
    pytester.makepyfile(HEAD + dedent(text))
    result = pytester.runpytest_inprocess(f"--os-cloud={http_cloud}", "--os-reaper=off")
    result.assert_outcomes(failed=1)
    (section,) = sections(result)
    assert "\n  console: no answer within 1 s\n" in section
    assert re.search(r"^server 'web' \(\S+\): ACTIVE$", section, re.MULTILINE)


def test_a_call_without_an_answer_is_told_by_its_name(pytester: pytest.Pytester) -> None:
    text = """
    web, disk = factories.server(name="web"), factories.volume(name="disk")
    io = factories.attachment(web, disk)

    def test_slow(os_cloud, os_servers):
        break_(os_cloud, "delay", method="POST", path="/servers$", seconds=20.0)
        os_servers.create_async("slow").result(timeout=0.1)

    def test_next(os_cloud, os_servers):
        os_cloud.fake.faults.clear()
        break_(os_cloud, "stuck", operation="server.stop")
        os_servers.create_async("late").chain.stop_async().result(timeout=2)

    def test_attached(os_cloud, io):
        assert io.result() is None
    """
    result = run(pytester, HEAD + dedent(text))
    result.assert_outcomes(failed=3)
    slow, chained, attached = sections(result)
    assert re.match(
        r"\nwaiting since \S+Z \(0\.\d s\) for ServerManager.create 'slow', "
        r"whose request has no answer yet: running for ",
        slow,
    )
    assert re.match(
        r"\nwaiting since \S+Z \(\d.\d s\) for server.stop of 'late' \(\S+\): "
        r"running for .* s, last status ACTIVE \(powering-off\)\n",
        chained,
    )
    assert re.search(r"^  server.attach_volume: finished after ", attached, re.MULTILINE)


COUNTED = """
import json
from pathlib import Path

def pytest_sessionfinish(session):
    from pytest_osfutures.plugin.fixtures import RUN_SESSION
    fake = session.config.stash[RUN_SESSION].cloud.fake
    Path("counters.json").write_text(json.dumps(dict(fake.counters)))
"""


@pytest.mark.parametrize(
    ("when", "asked"), [("retain-on-failure", 1), ("on", 2), ("off", 0)], ids=lambda each: str(each)
)
def test_passed_tests_cost_no_request(pytester: pytest.Pytester, when: str, asked: int) -> None:
    text = """
    def test_passed(os_servers): os_servers.create_async("web").result()
    def test_failed(os_servers): assert os_servers.create_async("web").result() is None
    """
    pytester.makeconftest(COUNTED)
    result = run(
        pytester, HEAD + dedent(text), f"--os-artifacts={when}", "--os-artifacts-dir=there", "-rA"
    )
    result.assert_outcomes(passed=1, failed=1)
    counters = json.loads((pytester.path / "counters.json").read_text())
    of_evidence = [n for name, n in counters.items() if "os-instance-actions" in name]
    assert sum(of_evidence) == 2 * asked
    assert len(sections(result)) == asked
    assert len(files(pytester, "there")) == 2 * asked


def test_evidence_of_an_earlier_run_goes_when_the_test_passes(pytester: pytest.Pytester) -> None:
    text = "def test_it(os_servers): os_servers.create_async('web').result(); assert {}"
    run(pytester, text.format(0)).assert_outcomes(failed=1)
    assert len(files(pytester)) == 2
    (folder,) = (pytester.path / "test-results" / "osfutures").iterdir()
    (folder / "notes.txt").write_text("of the user")
    run(pytester, text.format(1)).assert_outcomes(passed=1)
    assert [each.rpartition("/")[2] for each in files(pytester)] == ["notes.txt"]


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--os-artifacts=maybe", "'maybe' is none of retain-on-failure, on, off"),
        ("--os-artifacts-dir=", "'' is no directory"),
        ("--os-artifacts-dir=file.py/x", "'file.py/x' is no directory: 'file.py' is none"),
        ("-oos_artifacts=never", "ini option os_artifacts: 'never' is none of retain-on-"),
        ("-oos_artifacts_dir=file.py", "ini option os_artifacts_dir: 'file.py' is no directory"),
    ],
)
def test_wrong_values_are_usage_errors(
    pytester: pytest.Pytester, option: str, sentence: str
) -> None:
    pytester.makepyfile(file="def test_x(os_servers): pass")
    result = pytester.runpytest_inprocess("--os-cloud=fake", option, "file.py")
    assert sentence in result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_directory_that_cannot_be_written_costs_the_files_only(
    pytester: pytest.Pytester,
) -> None:
    text = """
    def test_failed(os_servers):
        os_servers.create_async("web").result()
        open("there", "w").close()
        assert 0
    """
    result = run(pytester, HEAD + dedent(text), "--os-artifacts-dir=there")
    result.assert_outcomes(failed=1)
    (section,) = sections(result)
    assert re.search(r"^no files: .*there", section, re.MULTILINE)


def test_children_and_shared_resources_are_told(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture(scope="session")
    def shared(os_volumes_shared):
        return os_volumes_shared.create_async(name="common")

    def test_first(shared): shared.result()

    def test_failed(os_cloud, os_servers, shared):
        image = os_cloud.nova.glance.list()[0]
        disk = {"uuid": image.id, "source_type": "image", "destination_type": "volume",
                "volume_size": 1, "boot_index": 0}
        os_servers.create_async("web", block_device_mapping_v2=[disk]).result()
        assert 0
    """
    result = run(pytester, HEAD + dedent(text))
    result.assert_outcomes(passed=1, failed=1)
    (section,) = sections(result)
    heads = re.findall(r"^(\w+)(?: '(\w+)')? \([0-9a-f-]{36}\): ", section, flags=re.MULTILINE)
    assert sorted(heads) == [("server", "web"), ("volume", ""), ("volume", "common")]
