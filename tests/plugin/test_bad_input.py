"""A wrong option or name is reported in one sentence, with exit status 4."""

from __future__ import annotations

from pathlib import Path

import pytest

TEST = "def test_x(os_servers): os_servers.create_async().result()"


def usage_error(pytester: pytest.Pytester, *args: str) -> str:
    """Return the line with the usage error of a run with `args`."""
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert "Traceback" not in text
    return [line for line in text.splitlines() if "rror: " in line or "ERROR: " in line][-1]


def test_unknown_cloud_lists_the_known_clouds(pytester: pytest.Pytester, clouds: Path) -> None:
    text = usage_error(pytester, "--os-cloud", "devstak")
    assert f"unknown cloud 'devstak'; found in {clouds}: devstack, production" in text


def test_missing_clouds_yaml_names_the_searched_paths(pytester: pytest.Pytester) -> None:
    text = usage_error(pytester, "--os-cloud", "devstack")
    assert "unknown cloud 'devstack': no clouds.yaml was found (looked for " in text
    assert "'fake'" in text


def test_no_cloud_chosen_is_a_usage_error(pytester: pytest.Pytester, clouds: Path) -> None:
    assert "no cloud was chosen" in usage_error(pytester)


def test_invalid_clouds_yaml_is_a_usage_error(pytester: pytest.Pytester, clouds: Path) -> None:
    clouds.write_text("clouds: [")
    assert f"{clouds} cannot be read: while parsing" in usage_error(
        pytester, "--os-cloud", "devstack"
    )


def test_unreachable_cloud_is_a_usage_error(pytester: pytest.Pytester, clouds: Path) -> None:
    text = usage_error(pytester, "--os-cloud", "devstack")
    assert "cloud 'devstack' at http://127.0.0.1:9/v3 does not answer: " in text


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--os-image=nope", "ERROR: --os-image: unknown image 'nope'; there are: cirros, tiny"),
        (
            "--os-flavor=nope",
            "ERROR: --os-flavor: unknown flavor 'nope'; there are: m1.huge, m1.medium, m1.nano",
        ),
        ("--os-network=nope", "ERROR: --os-network: unknown network 'nope'; there are: private"),
        ("--os-timeout=-1", "'-1' is not a number of seconds greater than 0"),
        ("--os-timeout=soon", "'soon' is not a number of seconds greater than 0"),
        ("--os-try-count=0", "'0' is not a whole number of 1 or more"),
    ],
)
def test_wrong_option_names_the_option_or_the_value(
    pytester: pytest.Pytester, option: str, sentence: str
) -> None:
    assert sentence in usage_error(pytester, "--os-cloud=fake", option)


def test_wrong_ini_value_names_the_ini_option(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nos_cloud = fake\nos_try_count = many\n")
    text = usage_error(pytester)
    assert "ini option os_try_count: 'many' is not a whole number of 1 or more" in text


def test_wrong_value_in_the_environment_names_the_variable(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSFUTURES_RUN", "zz")
    pytester.makepyfile("def test_x(os_volumes): pass")
    result = pytester.runpytest_inprocess("--os-cloud=fake")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: OSFUTURES_RUN: 'zz' is no run's id: 16 hexadecimal*"])


def test_environment_overrides_the_ini_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, clouds: Path
) -> None:
    monkeypatch.setenv("OS_CLOUD", "of-env")
    pytester.makeini("[pytest]\nos_cloud = of-ini\n")
    assert "unknown cloud 'of-env'" in usage_error(pytester)


def test_unknown_image_fails_the_test_with_one_sentence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_x(os_servers): os_servers.create_async(image='nope')")
    result = pytester.runpytest_inprocess("--os-cloud=fake")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E  *InvalidArgument: unknown image 'nope'; there are: cirros, tiny"]
    )


def test_missing_cloud_is_reported_by_an_xdist_worker(
    pytester: pytest.Pytester, clouds: Path
) -> None:
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess("-n1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no cloud was chosen; found in*"])
    assert "Traceback" not in result.stdout.str()


def test_errors_are_shown_at_the_lines_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest_osfutures as osf

        def test_flavor(os_servers):
            os_servers.create_async(flavor="none")

        def test_deadline(os_servers):
            os_servers.create_async(tout=-1)

        def test_operation(os_servers):
            os_servers.create_async(flavor="m1.huge").result()

        def test_refusal(os_volumes):
            os_volumes.create_async(size=-1).result()

        def test_several(os_servers):
            osf.gather(os_servers.create_async(flavor="m1.huge"))

        def test_plain(os_cloud):
            os_cloud.nova.servers.stop_async("none")
        """
    )
    result = pytester.runpytest_inprocess("--os-cloud=fake", "--tb=short")
    result.assert_outcomes(failed=6)
    said = result.stdout.str()
    for words in ("unknown flavor 'none'", "tout=-1 is not a number", "No valid host was found"):
        assert words in said
    assert "pytest_osfutures/" not in said


def test_teardown_errors_show_no_source_of_the_package(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_osfutures.fakecloud import Fault

        @pytest.fixture
        def stuck(os_cloud):
            os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))

        def test_one(os_volumes, stuck):
            os_volumes.create_async(name="one").result()

        def test_two(os_cloud, os_servers_module, os_volumes, stuck):
            os_cloud.fake.faults.clear()
            os_volumes.create_async(name="three").result()
            os_servers_module.create_async("four").result()
            os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))
        """
    )
    result = pytester.runpytest_inprocess("--os-cloud=fake", "-n0", "--os-teardown-timeout=4")
    result.assert_outcomes(passed=2, errors=2)
    said = result.stdout.str()
    told = [line for line in said.splitlines() if "1 of 1 resources could not be" in line]
    summary = [line for line in told if line.startswith("ERROR ")]  # in full where CI is set
    assert len(told) - len(summary) == 3
    assert "errors during test teardown (2 sub-exceptions)" in said
    assert "pytest_osfutures/" not in said.replace(str(pytester.path), "")
    assert "traceback entries are hidden" not in said


def test_quota_error_names_the_resource(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest_osfutures as osf

        def test_quota(os_cloud, os_servers):
            os_cloud.fake.settings.quotas["instances"] = 0
            future = os_servers.create_async("web", try_count=1)
            assert future.exception().resource_name == "web"
            future.result()

        def test_volume(os_cloud, os_volumes):
            os_cloud.fake.settings.quotas["volumes"] = 0
            os_volumes.create_async(name="disk", try_count=2).result()

        def test_network(os_cloud, os_networks):
            os_cloud.fake.settings.quotas["network"] = 0
            osf.gather([os_networks.create_async("net", try_count=1)])
        """
    )
    result = pytester.runpytest_inprocess("--os-cloud=fake")
    result.assert_outcomes(failed=3)
    said = result.stdout.str()
    for words in ("server.create of 'web' failed", "volume.create of 'disk' failed", "of 'net'"):
        assert words in said
    assert "pytest_osfutures/" not in said
    assert "traceback entries are hidden" not in said
