"""Fixtures that declare their resources."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run

BEGIN = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

"""


def test_value_of_a_declared_fixture_is_a_future(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server("web", flavor="m1.tiny")
    disk = factories.volume(size=2, scope="module")

    @pytest.fixture
    def address(web):
        return web.result().id

    def test_future(web, disk, address):
        assert isinstance(web, osf.OperationFuture)
        assert (web.result().name, web.result().status) == ("web", "ACTIVE")
        assert web.result().id == address
        assert disk.result().size == 2

    def test_scope(disk, os_cloud):
        assert [row["kind"] for row in os_cloud.fake.ever()].count("volume") == 1
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_each_factory_has_a_declaration(pytester: pytest.Pytester) -> None:
    text = """
    key = factories.keypair("laptop")
    net = factories.network(cidr="10.0.0.0/24")
    sub = factories.subnet(net, "10.1.0.0/24")
    port = factories.port(net)
    gateway = factories.router(subnets=[sub], external=True)
    pings = factories.security_group("pings", [{"protocol": "icmp"}])
    office = factories.address_group(["10.0.0.0/24"])
    web = factories.server(network=net, key_name=key, security_groups=[pings])
    disk = factories.volume()
    io = factories.attachment(web, disk)
    copy = factories.snapshot(factories.fixture("other"))
    other = factories.volume(3)
    saved = factories.backup(other)
    golden = factories.image(web)
    data = factories.uploaded_image(b"data", "data")
    address = factories.floating_ip()

    def test_all(
        key, port, gateway, office, io, web, disk, copy, other, saved, golden, data, address
    ):
        assert io.result().volumeId == disk.result().id
        assert web.result().key_name == key.result().name
        assert copy.result().volume_id == other.result().id
        assert saved.result().status == "available"
        assert data.result().name == "data"
        assert gateway.result().status == "ACTIVE"
        assert office.result().addresses == ["10.0.0.0/24"]
        assert port.result().id and golden.result() and address.result().id
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=1)


def test_parameters_are_arguments(pytester: pytest.Pytester) -> None:
    text = """
    small = factories.volume(params=[{"size": 1}, {"size": 3, "name": "three"}], scope="module")

    def test_size(small, request):
        assert small.result().size == request.node.callspec.params["small"]["size"]
    """
    result = run(pytester, BEGIN + text, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_size?1?*", "*test_size?3-three?*"])


def test_fixtures_of_classes(pytester: pytest.Pytester) -> None:
    text = """
    class TestWeb:
        key = factories.keypair()
        web = factories.server(key_name=key)
        disk = factories.volume(scope="class")

        def test_first(self, web, key, disk):
            assert web.result().key_name == key.result().name
            type(self).first = disk.result().id

        def test_second(self, disk):
            assert disk.result().id == self.first
    """
    run(pytester, BEGIN + text, "-W", "error::DeprecationWarning").assert_outcomes(passed=2)


def test_fixture_of_a_conftest_is_named(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from pytest_osfutures import factories\nweb = factories.server()")
    text = """
    disk = factories.volume()
    io = factories.attachment(factories.fixture("web"), disk)

    def test_io(io, web):
        assert io.result().serverId == web.result().id
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=1)


def test_plain_fixture_is_an_argument(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture
    def size():
        return 3

    disk = factories.volume(size=size)

    def test_size(disk):
        assert disk.result().size == 3
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=1)


def test_argument_without_a_name_is_refused(pytester: pytest.Pytester) -> None:
    text = "copy = factories.snapshot(factories.volume())"
    result = run(pytester, BEGIN.replace("    ", "") + text)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["E*InvalidArgument: *factories.fixture('web')*"])


def test_error_of_a_creation_is_the_error_of_the_test(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server(flavor="nonsense")
    disk = factories.volume(scope="module")
    io = factories.attachment(web, disk)

    def test_server(web):
        with pytest.raises(osf.InvalidArgument, match="unknown flavor 'nonsense'"):
            web.result()

    def test_attachment(io):
        with pytest.raises(osf.InvalidArgument, match="unknown flavor 'nonsense'"):
            io.result()
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_attachment_between_wider_resources_ends_with_its_test(pytester: pytest.Pytester) -> None:
    text = """
    web = factories.server(scope="module")
    disk = factories.volume(scope="module")
    io = factories.attachment(web, disk)

    def test_attached(io, os_cloud):
        assert os_cloud.cinder.volumes.get(io.result().volumeId).status == "in-use"

    def test_detached(web, disk, os_cloud):
        assert os_cloud.cinder.volumes.get(disk.result().id).status == "available"
        assert os_cloud.nova.servers.get(web.result().id).status == "ACTIVE"
    """
    run(pytester, BEGIN + text, "--os-teardown=wait").assert_outcomes(passed=2)
