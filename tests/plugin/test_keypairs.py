"""The files with private keys: private, deleted with their keypairs, kept with kept servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from tests.plugin.test_factories import run

BEGIN = """
    import os
    import stat
    from pathlib import Path
    import pytest
    from pytest_osfutures import factories

    WRITTEN = Path(__file__).with_name("written.txt")

    def note(key):
        path = key.private_key_file
        with WRITTEN.open("a") as file:
            print(path, file=file)
        return path

    laptop = factories.keypair("declared")
    desktop = factories.keypair("declared", scope="session")
"""
SCOPES = """
    from cryptography.hazmat.primitives import serialization as keys

    def test_file(os_keypairs):
        key = os_keypairs.create("laptop")
        path = note(key)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.read_text() == key.private_key
        private = keys.load_ssh_private_key(path.read_bytes(), None)
        openssh = keys.Encoding.OpenSSH, keys.PublicFormat.OpenSSH
        assert private.public_key().public_bytes(*openssh).decode() == key.public_key

    def test_file_is_gone(os_keypairs):
        assert not Path(WRITTEN.read_text().split()[0]).exists()
        own = os_keypairs.create(public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA")
        assert not hasattr(own, "private_key_file")

    class TestScopes:
        def test_all(
            self, os_keypairs_class, os_keypairs_module, os_keypairs_session, laptop, desktop
        ):
            for factory in (os_keypairs_class, os_keypairs_module, os_keypairs_session):
                note(factory.create())
            for future in (laptop, desktop):
                note(future.result())

        def test_wider_scopes(self):
            there = [Path(path).exists() for path in WRITTEN.read_text().split()]
            assert there == [False, True, True, True, False, False]

    def test_after_the_class():
        there = [Path(path).exists() for path in WRITTEN.read_text().split()]
        assert there == [False, False, True, True, False, False]
"""
INTERRUPTED = """
    def test_interrupted(os_keypairs, os_keypairs_session, laptop, request):
        for key in (os_keypairs.create(), os_keypairs_session.create(), laptop.result()):
            assert note(key).exists()

        def again():
            raise KeyboardInterrupt

        request.addfinalizer(again)
        raise KeyboardInterrupt
"""


def written(pytester: pytest.Pytester) -> list[Path]:
    """Return the paths of all key files of a run."""
    return [Path(path) for path in (pytester.path / "written.txt").read_text().split()]


def assert_nothing_is_left(pytester: pytest.Pytester, number: int) -> None:
    paths = written(pytester)
    assert len(paths) == number
    assert not [path for path in paths if path.exists() or path.parent.exists()]


def test_files_of_the_embedded_fake(pytester: pytest.Pytester) -> None:
    run(pytester, BEGIN + SCOPES, "--os-teardown=wait").assert_outcomes(passed=5)
    assert_nothing_is_left(pytester, 6)


def test_files_of_another_cloud(pytester: pytest.Pytester, http_cloud: str) -> None:
    ledgers = pytester.path / "ledgers"
    pytester.makepyfile(BEGIN + SCOPES)
    options = (
        f"--os-cloud={http_cloud}",
        f"--os-ledger={ledgers}",
        "--os-reaper=off",
        "--os-teardown=wait",
    )
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=5)
    assert_nothing_is_left(pytester, 6)
    assert all(path.is_relative_to(ledgers) for path in written(pytester))
    assert list(ledgers.iterdir()) == []


def test_a_run_that_is_interrupted_twice_leaves_no_file(
    pytester: pytest.Pytester, http_cloud: str
) -> None:
    ledgers = pytester.path / "ledgers"
    pytester.makepyfile(BEGIN + INTERRUPTED)
    options = (
        f"--os-cloud={http_cloud}",
        f"--os-ledger={ledgers}",
        "--os-reaper=off",
        "--os-teardown=wait",
    )
    result = pytester.runpytest_inprocess(*options, no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert_nothing_is_left(pytester, 3)


def test_a_file_that_cannot_be_written_leaves_no_keypair(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("pytest_osfutures.cleanup.key_files._write", fail)
    text = """
    def test_full(os_keypairs):
        os_keypairs.create()

    def test_left(os_cloud):
        assert "keypair" not in {row["kind"] for row in os_cloud.fake.ever()}
    """
    result = run(pytester, text)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["E *InvalidArgument: the private key cannot be written to a file: No space*"]
    )


def test_reports_show_no_private_key(pytester: pytest.Pytester) -> None:
    text = """
    import pytest_osfutures as osf

    web = factories.server(key_name=laptop)
    disk = factories.volume()

    def test_bad(web, disk, laptop, os_keypairs):
        more = os_keypairs.create()
        vm, volume, key = osf.gather([web, disk, laptop])
        assert (vm.status, volume.status, vm.key_name) == ("ACTIVE", "available", key.name)
        print(more, key, web, laptop)
        Path(__file__).with_name("secret.txt").write_text(key.private_key + more.private_key)
        assert (more, vm) == key
    """
    options = ("--showlocals", "--junitxml=report.xml", "--log-level=1", "--log-file=log.txt")
    result = run(pytester, BEGIN + text, *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *assert (<Keypair: *"])
    secrets = [line for line in (pytester.path / "secret.txt").read_text().split("\n") if line]
    assert len(secrets) > 10
    written = [path for path in pytester.path.rglob("*") if path.is_file()]
    texts = {path: path.read_bytes().decode(errors="replace") for path in written}
    texts.pop(pytester.path / "secret.txt")
    everything = "\n".join([str(result.stdout), str(result.stderr), *texts.values()])
    assert [line for line in secrets if len(line) > 40 and line in everything] == []


KEPT = """
    import pytest
    from pytest_osfutures import factories

    key = factories.keypair("laptop", scope="module")
    inside = factories.network(cidr="10.9.0.0/24")
    web = factories.server("web", network=inside, key_name=key)

    @pytest.fixture
    def address(inside, web, os_routers, os_floating_ips):
        os_routers.create_async(subnets=inside.result().subnets, external=True).result()
        return os_floating_ips.create_async(server=web).result().floating_ip_address

    @pytest.mark.parametrize("bad", [True, False])
    def test_web(web, address, bad):
        assert address.startswith("127.")
        assert not bad
"""


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the command ssh")
def test_a_kept_server_can_be_reached_by_the_printed_command(
    pytester: pytest.Pytester, guest_cloud: FakeCloud
) -> None:
    pytest.importorskip("asyncssh", reason="the extra `ssh`")
    pytester.makepyfile(KEPT)
    options = ("--os-cloud=served", "--os-ledger=ledgers", "--os-reaper=off", "--os-keep=failed")
    result = pytester.runpytest_inprocess(*options)
    result.assert_outcomes(passed=1, failed=1)
    lines = [line.strip() for line in result.outlines]
    kept = next(number for number, line in enumerate(lines) if line.startswith("kept: server web"))
    command, _, comment = lines[kept + 1].partition("  # ")
    assert command.startswith("ssh -i ")
    assert "root is a guess: the image names none" in comment
    path = Path(command.split()[2])
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    there = "-p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
    done = subprocess.run(
        f"{command.replace('ssh', f'ssh {there}', 1)} hostname",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ,
    )
    assert done.stdout == "web\n", done.stderr
