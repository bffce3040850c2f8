"""Default arguments of factories, by fixtures and by a mark."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run

BEGIN = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

    def flavor(cloud, server):
        return cloud.nova.servers.get(server.result().id).flavor["original_name"]
"""


@pytest.mark.parametrize("lookahead", ["off", "auto"])
def test_layers(pytester: pytest.Pytester, lookahead: str) -> None:
    pytester.makeconftest("""
    import pytest

    @pytest.fixture(scope="session")
    def os_server_args(os_server_args):
        return {**os_server_args, "flavor": "m1.small", "description": "of the folder"}
    """)
    text = """
    web = factories.server()
    wide = factories.server(scope="module")

    def test_folder(os_cloud, os_servers, os_servers_module, web, wide):
        for each in (os_servers.create_async(), os_servers_module.create_async(), web, wide):
            assert flavor(os_cloud, each) == "m1.small"
            assert each.result().description == "of the folder"

    @pytest.mark.os(flavor="m1.medium", timeout=77)
    def test_mark(os_cloud, os_servers, web, wide):
        assert flavor(os_cloud, os_servers.create_async()) == "m1.medium"
        assert flavor(os_cloud, os_servers.create_async("web", None, "m1.tiny")) == "m1.tiny"
        assert flavor(os_cloud, os_servers.create_async(flavor="m1.tiny")) == "m1.tiny"
        assert flavor(os_cloud, web) == "m1.medium"
        assert web.result().description == "of the folder"
        assert flavor(os_cloud, wide) == "m1.small"

    @pytest.mark.os(flavor="m1.medium")
    class TestClass:
        @pytest.fixture(scope="class")
        def os_server_args(self, os_server_args):
            return {**os_server_args, "description": "of the class"}

        def test_mark_of_class(self, os_cloud, web):
            assert flavor(os_cloud, web) == "m1.medium"
            assert web.result().description == "of the class"

        @pytest.mark.os(flavor="m1.tiny")
        def test_closest_mark(self, os_cloud, web):
            assert flavor(os_cloud, web) == "m1.tiny"
    """
    options = f"--os-lookahead={lookahead}", "--strict-markers", "-W", "ignore::DeprecationWarning"
    run(pytester, BEGIN + text, *options).assert_outcomes(passed=4)


def test_defaults_that_need_fixtures_are_known_later(pytester: pytest.Pytester) -> None:
    text = """
    disk = factories.volume()

    @pytest.fixture(scope="module")
    def size():
        yield 3

    @pytest.fixture(scope="module")
    def os_volume_args(size):
        return {"size": size}

    def test_first(): ...

    def test_size(disk, os_volumes):
        assert disk.result().size == os_volumes.create_async().result().size == 3
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_timeout_of_the_mark_is_the_deadline(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server()

    @pytest.mark.os(timeout=0.05, try_count=1)
    def test_deadline(web, os_servers):
        for each in (web, os_servers.create_async()):
            with pytest.raises(osf.OperationTimeout):
                each.result()
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=1)


@pytest.mark.parametrize("mark", ["flavour='m1.tiny'", "'flavour'"])
@pytest.mark.parametrize("use", ["os_servers.create_async()", "web.result()"])
def test_bad_mark_is_one_sentence(pytester: pytest.Pytester, mark: str, use: str) -> None:
    text = f"""
    web = factories.server()

    def test_first(): ...

    @pytest.mark.os({mark})
    def test_mark({use.partition(".")[0]}):
        {use}
    """
    result = run(pytester, BEGIN + text)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*pytest.mark.os does not take 'flavour'; it is os(image=*"])
    result.stdout.no_fnmatch_line("*pytest_osfutures/*.py:*")


def test_bad_value_of_a_fixture_is_one_sentence(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture
    def os_server_args():
        return "m1.tiny"

    def test_arguments(os_servers):
        os_servers.create_async()
    """
    result = run(pytester, BEGIN + text)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*fixture os_server_args returns 'm1.tiny', and not a dict"])
