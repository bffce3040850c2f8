"""An installed plugin does nothing before one of its fixtures is set up."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from pytest_osfutures.plugin.options import ALL

TEST = "def test_x(os_servers): os_servers.create_async().result()"
NO_HOME = """
    import os, pwd
    os.environ.pop("HOME", None)
    os.environ.pop("XDG_STATE_HOME", None)
    for name in "CACHE", "DATA", "CONFIG":  # openstacksdk needs these
        os.environ[f"XDG_{name}_HOME"] = "/nonexistent"
    def unknown(uid):
        raise KeyError(uid)
    pwd.getpwuid = unknown
"""
NO_LOCKS = """
    import errno, fcntl, os
    def lockf(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    fcntl.lockf = lockf
"""


@pytest.mark.parametrize("args", [[], ["--os-cloud=nope"], ["-n1", "--os-cloud=nope"]])
def test_skipped_tests_need_no_cloud(pytester: pytest.Pytester, args: list[str]) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.skip
        def test_mark(os_servers):
            pass

        @pytest.mark.skipif(True, reason="no")
        def test_condition(os_volumes_session, os_cloud):
            pass

        def test_other():
            pass
        """
    )
    result = pytester.runpytest_inprocess(*args)
    result.assert_outcomes(skipped=2, passed=1)
    assert result.ret == 0


@pytest.mark.parametrize("args", [[], ["-n1"]])
def test_project_fixture_may_skip_before_the_cloud_is_needed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: list[str]
) -> None:
    monkeypatch.setenv("OS_CLOUD", "nope")
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(autouse=True, scope="session")
        def only_at_night():
            pytest.skip("it is day")

        def test_one(os_servers): pass
        def test_two(os_cloud): pass
        """
    )
    result = pytester.runpytest_inprocess(*args)
    result.assert_outcomes(skipped=2)
    assert result.ret == 0


@pytest.mark.parametrize(
    "look", ["--fixtures", "--fixtures-per-test", "--setup-plan", "--collect-only"]
)
@pytest.mark.parametrize("cloud", [[], ["--os-cloud=nope"]])
def test_listing_tests_and_fixtures_needs_no_cloud(
    pytester: pytest.Pytester, look: str, cloud: list[str]
) -> None:
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess(look, *cloud)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*os_servers*"] if "collect" not in look else ["*test_x*"])


def test_project_fixtures_override_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def os_images_dir(): return "/images"
        @pytest.fixture
        def os_cloud_name(): return "mine"
        @pytest.fixture
        def os_cloud(os_cloud_name): return os_cloud_name
        @pytest.fixture
        def os_servers(os_cloud): return [os_cloud]

        def test_x(os_images_dir, os_cloud, os_servers):
            assert (os_images_dir, os_cloud, os_servers) == ("/images", "mine", ["mine"])
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_factories_ignore_an_os_cloud_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def os_cloud(): return "mine"

        def test_x(os_cloud, os_servers):
            assert os_servers.create_async().result().status == "ACTIVE"
            assert os_cloud == "mine"
        """
    )
    pytester.runpytest_inprocess("--os-cloud=fake").assert_outcomes(passed=1)


OPTIONS = """
def pytest_addoption(parser):
    {group}.addoption("{string}", default="theirs")
    parser.addini("os_image", "Images to compare", type="args")
"""
OPTIONS_TEST = """
    def test_x(pytestconfig, os_volumes):
        assert pytestconfig.getoption("{string}") == "{value}"
        assert pytestconfig.getini("os_image") == ["tiny", "small"]
        assert os_volumes.create_async(name="disk").result().name == "disk"
"""
#: Puts the distribution of a test at the end of sys.path, in a process of its own.
ENTRY_POINT_LAST = "import os, sys; sys.path.append(os.environ['DISTRIBUTIONS'])"


def _install(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    """Install the module `plugin` with an entry point, before or after pytest-osfutures.

    pytest loads the plugins of distributions in the order of sys.path.
    """
    site = pytester.mkdir("site")
    (pytester.path / "plugin.py").rename(site / "plugin.py")
    metadata = site / "theirs-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\ntheirs = plugin\n")
    if last:
        monkeypatch.setenv("DISTRIBUTIONS", str(site))
        pytester.mkdir("start").joinpath("sitecustomize.py").write_text(ENTRY_POINT_LAST)
        monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    else:
        monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path / "start" if last else site))


@pytest.mark.parametrize(
    ("where", "args"),
    [
        ("conftest", []),
        ("conftest", ["-n1"]),
        ("plugins of a conftest", []),
        ("plugin", ["-p", "plugin"]),
        ("plugin", ["-p", "osfutures", "-p", "plugin"]),
        ("environment", []),
        ("entry point before", []),
        ("entry point after", []),
        ("entry point after", ["-n1"]),
    ],
)
@pytest.mark.parametrize("string", ["--os_cloud", "--os-cloud"])
def test_options_of_others_replace_those_of_the_plugin(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    string: str,
    where: str,
    args: list[str],
) -> None:
    monkeypatch.setenv("OS_CLOUD", "fake")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))  # of a process with workers
    monkeypatch.syspath_prepend(pytester.path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--os-timeout=60")
    name = "conftest" if where == "conftest" else "plugin"
    pytester.makepyfile(**{name: OPTIONS.format(string=string, group="parser")})
    if where == "plugins of a conftest":
        pytester.makeconftest("pytest_plugins = ['plugin']")
    if where == "environment":
        monkeypatch.setenv("PYTEST_PLUGINS", "plugin")
    if where.startswith("entry point"):
        _install(pytester, monkeypatch, last=where.endswith("after"))
    pytester.makeini("[pytest]\nos_image = tiny small\nos_try_count = 2")
    pytester.makepyfile(test_x=OPTIONS_TEST.format(string=string, value="mine"))
    # A worker gets the sys.path that its controller had when pytest-xdist was imported.
    run = pytester.runpytest_subprocess if "-n1" in args else pytester.runpytest_inprocess
    result = run(*args, string, "mine")
    result.assert_outcomes(passed=1)
    assert result.ret == 0


@pytest.mark.parametrize("group", ["parser", "parser.getgroup('mine')"])
def test_options_of_a_later_conftest_replace_those_of_the_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.setenv("OS_CLOUD", "fake")
    pytester.makeini("[pytest]\nos_image = tiny small")
    folder = pytester.mkdir("inner")
    (folder / "conftest.py").write_text(OPTIONS.format(string="--os-cloud", group=group))
    test = OPTIONS_TEST.format(string="os_cloud", value="theirs")
    (folder / "test_x.py").write_text(textwrap.dedent(test))
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_values_of_options_are_no_paths(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OS_CLOUD", raising=False)
    pytester.makeini("[pytest]\ntestpaths = inner")
    for name in ("fake", "inner"):
        pytester.mkdir(name)
    (pytester.path / "inner" / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--mine', default='default')"
    )
    (pytester.path / "inner" / "test_x.py").write_text(
        "def test_x(pytestconfig, os_volumes):\n"
        "    assert pytestconfig.getoption('mine') == 'given'\n"
        "    assert os_volumes.create_async(name='disk').result().name == 'disk'\n"
    )
    pytester.runpytest_inprocess("--os-cloud", "fake", "--mine=given").assert_outcomes(passed=1)


@pytest.mark.parametrize("conftest", ["", "raise OSError('broken')"])
def test_help_lists_all_options(pytester: pytest.Pytester, conftest: str) -> None:
    pytester.makeconftest(conftest)
    result = pytester.runpytest_inprocess("--help")
    assert result.ret == 0
    for option in ALL:
        assert f"  {option.string}={option.metavar}" in result.stdout.str()
        kind = "linelist" if option.many else "string"
        assert f"  {option.ini} ({kind}):" in result.stdout.str()


def test_options_exist_if_a_conftest_loads_the_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest("pytest_plugins = ['pytest_osfutures.plugin']")
    pytester.makepyfile(TEST)
    pytester.runpytest_inprocess("--os-cloud", "fake").assert_outcomes(passed=1)


@pytest.mark.parametrize("args", [["--os-cloud"], ["--os-cloud", "fake", "--os-timeout", "-1"]])
def test_wrong_options_are_usage_errors(pytester: pytest.Pytester, args: list[str]) -> None:
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*error: argument {args[-2] if args[1:] else args[0]}: *"])


@pytest.fixture
def no_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a state directory that cannot be created: a file has its path."""
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "pytest-osfutures"


@pytest.mark.parametrize("args", [[], ["-n1"]])
def test_unused_plugin_needs_no_state_directory(
    pytester: pytest.Pytester, clouds: Path, no_place: Path, args: list[str]
) -> None:
    pytester.makepyfile("def test_x(): pass")
    result = pytester.runpytest_inprocess("--os-cloud=devstack", *args)
    result.assert_outcomes(passed=1)
    assert result.ret == 0


@pytest.mark.parametrize("args", [[], ["-n1"]])
def test_unused_plugin_writes_nothing(
    pytester: pytest.Pytester,
    clouds: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    args: list[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OS_CLOUD", "devstack")
    pytester.makepyfile("def test_x(): pass")
    pytester.runpytest_inprocess("--os-cloud=devstack", *args).assert_outcomes(passed=1)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("args", [["-n0"], ["-n1"]])
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("", "pytest-osfutures * Not a directory: *"),
        (NO_HOME, "the user has no home directory (HOME is not set)*"),
        (NO_LOCKS, "no ledger of the run can be kept in *ledgers (*No locks available*"),
    ],
)
def test_unusable_state_directory_is_a_usage_error(
    pytester: pytest.Pytester,
    http_cloud: str,
    no_place: Path,
    trouble: str,
    words: str,
    args: list[str],
) -> None:
    pytester.makeconftest(trouble)
    pytester.makepyfile(TEST)
    if trouble == NO_LOCKS:
        args = [*args, f"--os-ledger={pytester.path}/ledgers"]
    result = pytester.runpytest_subprocess(f"--os-cloud={http_cloud}", *args)  # trouble stays
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{words}"])
    said = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in said
    assert "Traceback" not in said
    assert "--os-ledger" in result.stderr.str()
    assert not (pytester.path / "~").exists()


def test_unexpected_error_at_the_start_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from pytest_osfutures import cloud

        def broken(*_):
            raise LookupError("of\\nall things")
        cloud.embedded = broken
        """
    )
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("--os-cloud=fake", "-n1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: osfutures cannot start: LookupError: of all things"])


def test_cloud_option_is_checked_before_the_first_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_first(): print('RUN')\n" + TEST)
    result = pytester.runpytest_inprocess("--os-cloud=nope", "-s")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.no_fnmatch_line("*RUN*")
    result.stderr.fnmatch_lines(["ERROR: --os-cloud: unknown cloud 'nope'*"])


def test_missing_cloud_ends_the_run_at_the_first_use(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_first(): pass
        def test_asks(request): request.getfixturevalue("os_volumes")
        def test_last(): pass
        """
    )
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes(passed=1, failed=1)
    result.stderr.fnmatch_lines(["ERROR: --os-cloud: no cloud was chosen*"])


def test_unused_plugin_loads_only_fixtures_and_options() -> None:
    import subprocess

    code = (
        "import sys, pytest; before = set(sys.modules); import pytest_osfutures.plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "pytest_osfutures",
        "pytest_osfutures.plugin",
        "pytest_osfutures.plugin.factory_fixtures",
        "pytest_osfutures.plugin.factory_fixtures.block_storage",
        "pytest_osfutures.plugin.factory_fixtures.compute",
        "pytest_osfutures.plugin.factory_fixtures.image",
        "pytest_osfutures.plugin.factory_fixtures.network",
        "pytest_osfutures.plugin.failed_nodes",
        "pytest_osfutures.plugin.fixtures",
        "pytest_osfutures.plugin.load_fixture",
        "pytest_osfutures.plugin.option_values",
        "pytest_osfutures.plugin.options",
        "pytest_osfutures.plugin.run_id",
        "pytest_osfutures.scopes",
        "pytest_osfutures.scopes.factories",
        "pytest_osfutures.scopes.settings",
    ]
