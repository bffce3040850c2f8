"""Factories create resources, and their scopes delete them."""

from __future__ import annotations

import pytest


def run(pytester: pytest.Pytester, text: str, *args: str) -> pytest.RunResult:
    """Run the tests in `text` on the embedded fake, in this process."""
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess("--os-cloud=fake", *args)


def run_apart(pytester: pytest.Pytester, text: str, *args: str) -> pytest.RunResult:
    """Run the tests in `text` on the embedded fake, in a process of their own."""
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess("--os-cloud=fake", *args)


LEFT = """
    def left(cloud):
        return [row for row in cloud.fake.alive() if row["kind"] in ("server", "volume")]
"""


def test_servers_and_volumes_are_created_in_parallel(pytester: pytest.Pytester) -> None:
    text = """
    import threading
    import pytest_osfutures as osf

    def test_many(os_servers, os_volumes):
        servers = [os_servers.create_async(f"web-{n}") for n in range(20)]
        volumes = [os_volumes.create_async(size=1) for _ in range(10)]
        assert {vm.status for vm in osf.gather(*servers)} == {"ACTIVE"}
        assert {volume.status for volume in osf.gather(*volumes)} == {"available"}
        assert [vm.result().name for vm in servers] == [f"web-{n}" for n in range(20)]
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("osfutures-monitor") == 1

    def test_nothing_is_left(os_cloud):
        assert left(os_cloud) == []
        ever = [row["kind"] for row in os_cloud.fake.ever()]
        assert (ever.count("server"), ever.count("volume")) == (20, 10)
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_attached_volume_is_detached_before_its_deletion(pytester: pytest.Pytester) -> None:
    text = """
    import pytest_osfutures as osf

    def test_attached(os_cloud, os_servers_module, os_volumes):
        vm, disk = osf.gather(os_servers_module.create_async(), os_volumes.create_async())
        os_cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()

    def test_only_the_server_is_left(os_cloud):
        assert [row["kind"] for row in left(os_cloud)] == ["server"]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_resources_live_until_their_scope_ends(pytester: pytest.Pytester) -> None:
    text = """
    class TestClass:
        def test_one(self, os_servers_class, os_volumes_session):
            type(self).vm = os_servers_class.create_async().result()
            os_volumes_session.create_async().result()

        def test_two(self, os_cloud):
            assert os_cloud.nova.servers.get(self.vm.id).status == "ACTIVE"

    def test_after(os_cloud):
        assert [row["kind"] for row in left(os_cloud)] == ["volume"]
    """
    run(pytester, LEFT + text).assert_outcomes(passed=3)


def test_resource_that_is_still_being_built_is_deleted(pytester: pytest.Pytester) -> None:
    text = """
    def test_impatient(os_servers, os_volumes):
        os_servers.create_async(), os_volumes.create_async()

    def test_nothing_is_left(os_cloud):
        assert left(os_cloud) == []
    """
    run(pytester, LEFT + text).assert_outcomes(passed=2)


def test_resource_deleted_by_the_test_is_no_error(pytester: pytest.Pytester) -> None:
    text = """
    def test_tidy(os_servers):
        os_servers.create_async().chain.delete_async().result()
    """
    run(pytester, LEFT + text).assert_outcomes(passed=1)


def test_failed_creation_is_retried(pytester: pytest.Pytester) -> None:
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_second_try(os_cloud, os_servers):
        os_cloud.fake.faults.add(Fault("error", operation="server.create", count=1))
        future = os_servers.create_async("web")
        assert future.result().status == "ACTIVE"
        assert len(future.attempts) == 1
        assert len(left(os_cloud)) == 1
    """
    run(pytester, LEFT + text, "--os-retries=silent").assert_outcomes(passed=1)


def test_failed_deletion_is_an_error_of_the_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_osfutures.scopes.scope.UNBLOCK_AFTER", 0.5)
    text = """
    from pytest_osfutures.fakecloud import Fault

    def test_stuck(os_cloud, os_servers):
        os_servers.create_async("stuck").result()
        os_cloud.fake.faults.add(Fault("status", method="DELETE", status=409))

    def test_other(os_cloud):
        pass
    """
    result = run(pytester, LEFT + text, "--os-teardown-timeout=5")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_stuck*", "*server *-*-*: *409*"])


def test_image_and_flavor_by_name_id_or_object(pytester: pytest.Pytester) -> None:
    text = """
    def test_choices(os_cloud, os_servers):
        flavor = os_cloud.nova.flavors.find(name="m1.small")
        image = os_cloud.nova.glance.find_image("tiny")
        made = [
            os_servers.create_async(flavor="m1.small", image="tiny"),
            os_servers.create_async(flavor=flavor.id, image=image.id),
            os_servers.create_async(flavor=flavor, image=image),
        ]
        for future in made:
            vm = future.result()
            assert vm.flavor["original_name"] == "m1.small"
            assert vm.image["id"] == image.id

    def test_defaults(os_servers):
        assert os_servers.create_async().result().flavor["original_name"] == "m1.tiny"
    """
    run(pytester, text, "--os-flavor=m1.tiny").assert_outcomes(passed=2)


def test_defaults_are_smallest_flavor_and_only_network(
    pytester: pytest.Pytester,
) -> None:
    text = """
    def test_defaults(os_servers):
        vm = os_servers.create_async().result()
        assert vm.flavor["original_name"] == "m1.nano"
        assert list(vm.addresses) == ["private"]

    def test_own_nics(os_servers):
        assert os_servers.create_async(nics="none").result().addresses == {}
    """
    run(pytester, text).assert_outcomes(passed=2)


def test_objects_of_any_client_are_accepted_as_arguments(pytester: pytest.Pytester) -> None:
    text = """
    import pytest
    import pytest_osfutures as osf

    def test_objects(os_cloud, os_servers, os_keypairs, os_security_groups, os_networks, os_ports,
                     os_volumes, os_snapshots, os_floating_ips, os_routers, os_images):
        key, net = os_keypairs.create("k"), os_networks.create_async(cidr="10.7.0.0/24").result()
        mine, theirs = os_security_groups.create_async("g").result(), "default"
        subnet = os_cloud.api("network").get("/subnets/" + net.subnets[0]).json()["subnet"]
        port = os_ports.create_async(net, security_groups=[mine], fixed_ips=[{"subnet_id":
            os_cloud.sdk.network.get_subnet(subnet["id"])}]).result()
        assert port.security_groups == [mine.id]
        vm = os_servers.create_async(
            image=os_cloud.sdk.image.find_image("tiny"),
            flavor=os_cloud.sdk.compute.find_flavor("m1.tiny"),
            network=os_cloud.sdk.network.get_network(net.id),
            key_name=key,
            security_groups=[mine, theirs],
        ).result()
        assert vm.key_name == key.name
        assert len(vm.security_groups) == 2
        assert list(vm.addresses) == [net.name]
        other = os_servers.create_async(nics=[{"port-id": port}]).result()
        assert list(other.addresses) == [net.name]
        disk = os_volumes.create_async().result()
        copy = os_snapshots.create_async(os_cloud.sdk.block_storage.get_volume(disk.id)).result()
        assert os_volumes.create_async(snapshot_id=copy).result().snapshot_id == copy.id
        assert os_images.create_async(os_cloud.sdk.compute.get_server(vm.id)).result()
        with pytest.raises(osf.InvalidArgument, match="is a future; give its result"):
            os_servers.create_async(network=os_networks.create_async())
        with pytest.raises(osf.InvalidArgument, match="flavor=<object .* is no name, no id"):
            os_servers.create_async(flavor=object())
    """
    run(pytester, text, "-W", "ignore").assert_outcomes(passed=1)


MANY = """
    def servers(cloud):
        return [row["name"] for row in cloud.fake.alive() if row["kind"] == "server"]

    def test_many(os_cloud, os_servers):
        many = os_servers.create_async("web", min_count=2)
        os_cloud.nova.servers.create("web-2", os_servers.defaults.image(None),
                                     os_servers.defaults.flavor(None, None), nics="none")
        assert len(many.result()) == 2

    def test_afterwards(os_cloud):
        assert sorted(servers(os_cloud)) == {left!r}
"""


@pytest.mark.parametrize(
    ("keep", "left"), [("never", ["web-2"]), ("always", ["web-1", "web-2", "web-2"])]
)
def test_servers_of_one_request_are_deleted_or_kept_together(
    pytester: pytest.Pytester, keep: str, left: list[str]
) -> None:
    result = run(pytester, MANY.replace("{left!r}", repr(left)), f"--os-keep={keep}")
    result.assert_outcomes(passed=2)
    if keep == "always":
        result.stdout.fnmatch_lines(["*kept: server web-1 (*", "*kept: server web-2 (*"])


def test_request_for_more_servers_than_allowed_fails(pytester: pytest.Pytester) -> None:
    text = """
    def test_many(os_servers):
        os_servers.create_async("web", min_count=3).result()
    """
    result = run(pytester, text, "--os-max-servers=2")
    result.stdout.fnmatch_lines(["*3 servers in one request, but the run may have 2 at a time*"])
    result.assert_outcomes(failed=1)
