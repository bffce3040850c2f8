"""Factories of networks, ports, routers, backups and uploaded images."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run, run_apart

OURS = """
    def ours(cloud):
        kinds = ("server", "volume", "snapshot", "backup", "image", "network", "subnet", "port")
        kinds += ("router", "floatingip", "security_group", "security_group_rule")
        kinds += ("address_group",)
        return [
            row
            for row in cloud.fake.alive()
            if row["kind"] in kinds
            and row["name"] not in ("private", "public", "router1", "cirros", "tiny", "default", "")
            and row["name"] is not None
        ]
"""
WHOLE = """
    import pytest_osfutures as osf

    def test_all(os_cloud, os_networks, os_ports, os_routers, os_floating_ips, os_servers,
                 os_security_groups, os_volumes, os_backups, os_snapshots, os_images):
        net = os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        disk = os_volumes.create_async(name="disk").result()
        group = os_security_groups.create_async("sg", rules=[{"protocol": "icmp"}])
        port = os_ports.create_async(net, "eth0", security_groups=[group.result().id])
        router = os_routers.create_async("way", subnets=net.subnets, external=True)
        osf.gather(port, router)
        address = os_floating_ips.create_async(port=port.result(), description="way in")
        vm = os_servers.create_async("web", nics=[{"port-id": port.result().id}])
        backup = os_backups.create_async(disk, "safe")
        image = os_images.upload_async(b"bits", "picture")
        snapshot = os_snapshots.create_async(disk, "moment")
        osf.gather(address, vm, image)
        # Cinder snapshots and backs up a volume one after the other.
        osf.gather(backup, snapshot)
        assert address.result().status == "ACTIVE"
        assert address.result().description.startswith(f"way in osf-{os_cloud.run}-")
        assert image.result().status == "active"
        assert len(ours(os_cloud)) == 10
        bound = [row.kind for row in os_cloud.ledger.rows("bound")]
        assert sorted(bound) == [
            "backup", "floating ip", "image", "network", "port", "router", "security group",
            "security group rule", "server", "snapshot", "subnet", "volume",
        ]
"""


def test_resources_are_deleted_in_dependency_order(pytester: pytest.Pytester) -> None:
    text = """
    def test_nothing_is_left(os_cloud):
        assert ours(os_cloud) == []
        gone = {row["name"]: row["deleted_at"] for row in os_cloud.fake.ever() if row["name"]}
        kinds = {row["kind"]: row["deleted_at"] for row in os_cloud.fake.ever()}
        assert gone["web"] < gone["eth0"] < kinds["subnet"] < kinds["network"]
        assert kinds["floatingip"] < gone["way"] < kinds["subnet"]
        assert gone["eth0"] < gone["sg"]
        assert max(gone["safe"], gone["moment"]) < gone["disk"]
    """
    run(pytester, OURS + WHOLE + text).assert_outcomes(passed=2)


SCOPES = """
    class TestClass:
        def test_one(self, os_networks_class, os_ports_module, os_images_session, os_backups):
            type(self).net = os_networks_class.create_async("of class").result()
            os_ports_module.create_async("private", "of module").result()
            os_images_session.upload_async(b"bits", "of session").result()

        def test_two(self, os_cloud, os_subnets):
            os_subnets.create_async(self.net, "10.8.0.0/24", "of function").result()
            assert len(ours(os_cloud)) == 4

        def test_three(self, os_cloud):
            names = [row["name"] for row in ours(os_cloud)]
            assert names == ["of class", "of module", "of session"]

    def test_after(os_cloud):
        assert [row["name"] for row in ours(os_cloud)] == ["of module", "of session"]
"""


def test_resources_live_until_their_scope_ends(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_next=OURS
        + """
    def test_in_another_module(os_cloud):
        assert [row["name"] for row in ours(os_cloud)] == ["of session"]
"""
    )
    pytester.makepyfile(test_first=OURS + SCOPES)
    result = pytester.runpytest_inprocess("--os-cloud=fake", "test_first.py", "test_next.py")
    result.assert_outcomes(passed=5)


def test_resource_that_is_still_being_created_is_deleted(pytester: pytest.Pytester) -> None:
    text = """
    def test_impatient(os_networks, os_images, os_security_groups):
        os_networks.create_async("n", cidr="10.7.0.0/24")
        os_images.upload_async(b"bits", "i")
        os_security_groups.create_async("g", rules=[{"protocol": "icmp"}, {"protocol": "tcp"}])

    def test_nothing_is_left(os_cloud):
        assert ours(os_cloud) == []
    """
    result = run(pytester, OURS + text)
    result.assert_outcomes(passed=2)
    assert result.ret == 0


def test_address_groups_go_after_the_rules_that_refer_to_them(pytester: pytest.Pytester) -> None:
    text = """
    def test_group(os_cloud, os_address_groups, os_security_groups):
        hosts = os_address_groups.create_async(["10.0.0.0/24"], "hosts").result()
        assert (hosts.name, hosts.addresses) == ("hosts", ["10.0.0.0/24"])
        rule = {"protocol": "tcp", "remote_address_group_id": hosts.id}
        os_security_groups.create_async("sg", rules=[rule]).result()
        assert "address group" in [row.kind for row in os_cloud.ledger.rows("bound")]

    def test_nothing_is_left(os_cloud):
        assert ours(os_cloud) == []
    """
    run(pytester, OURS + text).assert_outcomes(passed=2)


def test_failed_upload_is_undone_and_retried(
    pytester: pytest.Pytester,
) -> None:
    text = """
    import pytest
    from pytest_osfutures.fakecloud import Fault

    @pytest.mark.parametrize("status, when", [(503, "before"), (503, "after")])
    def test_again(os_cloud, os_images, tmp_path, status, when):
        path = tmp_path / "disk.qcow2"
        path.write_bytes(b"bits")
        os_cloud.fake.faults.add(
            Fault("status", method="PUT", path="/file", status=status, count=1, when=when)
        )
        future = os_images.upload_async(path, "picture", min_disk=1, mine="yes")
        image = future.result()
        assert (image.status, image.size, image.disk_format) == ("active", 4, "qcow2")
        assert (image.min_disk, image.mine, image.osf_of) == (1, "yes", image.id)
        assert len(future.attempts) == 1
        assert [row["id"] for row in ours(os_cloud)] == [image.id]

    def test_lost(os_cloud, os_images):
        os_cloud.fake.faults.add(Fault("cut", method="POST", path="/images", when="after", count=1))
        image = os_images.upload_async(b"bits", "picture").result()
        assert image.status == "active"
        assert len(ours(os_cloud)) == 1

    def test_never(os_cloud, os_images):
        os_cloud.fake.faults.add(Fault("status", method="PUT", path="/file", status=413))
        with pytest.raises(Exception, match="413"):
            os_images.upload_async(b"bits").result()
        os_cloud.fake.faults.clear()
        assert ours(os_cloud) == []

    def test_no_file(os_images):
        with pytest.raises(osf.InvalidArgument, match="there is no file 'nothing.img'"):
            os_images.upload_async("nothing.img")
    """
    text = "    import pytest_osfutures as osf\n" + OURS + text
    run(pytester, text, "--os-retries=silent").assert_outcomes(passed=5)


def test_keep_failed(pytester: pytest.Pytester) -> None:
    text = """
    def test_bad(os_networks, os_images):
        os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        os_images.upload_async(b"bits", "picture").result()
        assert 0

    def test_left(os_cloud):
        assert len(ours(os_cloud)) == 3
    """
    result = run(pytester, OURS + text, "--os-keep=failed")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines_random(
        ["kept: network inside (*", "kept: subnet inside (*", "kept: image picture (*"]
    )


def test_incremental_backups_and_router_ports_go_first(pytester: pytest.Pytester) -> None:
    text = """
    def test_incremental(os_volumes, os_backups):
        disk = os_volumes.create_async().result()
        for number in range(3):
            os_backups.create_async(disk, f"b{number}", incremental=number > 0).result()

    def test_subnet_on_a_router_that_stays(os_cloud, os_routers_module, os_networks):
        router = os_routers_module.create_async("way").result()
        net = os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        path = f"/routers/{router.id}/add_router_interface"
        os_cloud.api("network").put(path, json={"subnet_id": net.subnets[0]})

    def test_nothing_is_left(os_cloud):
        assert [row["name"] for row in ours(os_cloud)] == ["way"]
        ever = [row for row in os_cloud.fake.ever() if row["kind"] == "backup"]
        gone = {row["name"]: row["deleted_at"] for row in ever}
        assert gone["b2"] < gone["b1"] < gone["b0"]
    """
    run(pytester, OURS + text).assert_outcomes(passed=3)


def test_wrong_arguments_raise_one_sentence(pytester: pytest.Pytester) -> None:
    text = """
    import pytest
    import pytest_osfutures as osf

    def test_names(os_cloud, os_networks, os_ports, os_subnets, os_floating_ips):
        net = os_networks.create_async("inside").result()
        assert os_ports.create_async().result().fixed_ips[0]["ip_address"].startswith("10.20.")
        os_cloud.api("network").post("/networks", json={"network": {"name": "other"}})
        for call, words in (
            (lambda: os_ports.create_async(), "has 2 networks, so name one; there are: other"),
            (lambda: os_ports.create_async("nope"), "unknown network 'nope'; there are: inside"),
            (lambda: os_networks.create_async(cidr="10"), "cidr='10' is no network with its mask"),
            (lambda: os_subnets.create_async(net, "x"), "cidr='x' is no network with its mask"),
            (lambda: os_floating_ips.create_async("inside"), "unknown external network 'inside'"),
        ):
            with pytest.raises(osf.InvalidArgument, match=words):
                call()

    def test_servers(os_networks, os_servers):
        net = os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        made = [os_servers.create_async(network=each) for each in (net, net.id, "inside", "none")]
        names = [list(each.result().addresses) for each in made]
        assert names == [["inside"], ["inside"], ["inside"], []]
        with pytest.raises(osf.InvalidArgument, match="network='auto' or nics, not both"):
            os_servers.create_async(network="auto", nics="none")

    def test_the_cloud_says_no(os_networks):
        made = os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        with pytest.raises(Exception, match="exceeds maximum length of 255"):
            os_networks.create_async(description="x" * 250).result()

    def test_quota(os_cloud, os_networks):
        os_cloud.fake.settings.quotas["network"] = 0
        with pytest.raises(osf.QuotaExceeded, match="Quota exceeded for resources"):
            os_networks.create_async(try_count=1).result()
    """
    run(pytester, text).assert_outcomes(passed=4)


def test_resources_of_a_run_are_never_defaults(pytester: pytest.Pytester) -> None:
    text = """
    def test_defaults(os_cloud, os_networks, os_images, os_servers):
        os_networks.create_async("inside", cidr="10.7.0.0/24").result()
        small = os_images.upload_async(b"bits", "small").result()
        vm = os_servers.create_async().result()
        assert list(vm.addresses) == ["private"]
        assert vm.image["id"] != small.id
        assert os_servers.create_async(image="small").result().image["id"] == small.id
    """
    run(pytester, text).assert_outcomes(passed=1)


def test_new_image_is_found_by_name_at_once(pytester: pytest.Pytester) -> None:
    text = """
    import pytest
    import pytest_osfutures as osf

    def test_boot(os_images, os_servers):
        for _ in range(2):
            with pytest.raises(osf.InvalidArgument, match="unknown image 'fresh'"):
                os_servers.create_async(image="fresh")
            fresh = os_images.upload_async(b"bits", "fresh")
            vm = os_servers.create_async(image=fresh.result().name).result()
            assert vm.image["id"] == fresh.resource_id
            fresh.undo().result()
    """
    run(pytester, text).assert_outcomes(passed=1)


def test_factories_work_with_warnings_as_errors(pytester: pytest.Pytester) -> None:
    text = """
    def test_strict(os_networks, os_ports, os_images):
        net = os_networks.create_async(cidr="10.7.0.0/24").result()
        assert os_ports.create_async(net).result().status == "DOWN"
        assert os_images.upload_async(b"bits").result().status == "active"
    """
    run_apart(pytester, text, "-W", "error").assert_outcomes(passed=1)


FLOATING = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

    net = factories.network(cidr="10.7.0.0/24", scope="module")
    other = factories.network(cidr="10.8.0.0/24", scope="module")
    way = factories.router(subnets=[], external=True, scope="module")
    web = factories.server("web", network=net)
    address = factories.floating_ip(server=web)

    @pytest.fixture(autouse=True, scope="module")
    def connected(os_cloud, net, other, way):
        path = f"/routers/{way.result().id}/add_router_interface"
        api = os_cloud.api("network")
        subnets = [*net.result().subnets, *other.result().subnets]
        for each in subnets:
            api.put(path, json={"subnet_id": each})
        yield
        for each in subnets:
            api.put(path.replace("add", "remove"), json={"subnet_id": each})

    def ports_of(os_cloud, server_id):
        found = os_cloud.api("network").get(f"/ports?device_id={server_id}").json()["ports"]
        return [port["id"] for port in found]

    def test_declared(os_cloud, web, address):
        (port,) = ports_of(os_cloud, web.result().id)
        assert address.result().port_id == port
        vm = os_cloud.nova.servers.get(web.result().id)
        addresses = [entry["addr"] for entries in vm.addresses.values() for entry in entries]
        assert address.result().floating_ip_address in addresses

    def test_server_as_object_id_and_future(os_cloud, os_servers, os_floating_ips, net):
        futures = [os_servers.create_async(network=net.result()) for _ in range(3)]
        vms = osf.gather(futures)
        given = [vms[0], vms[1].id, os_servers.create_async(network=net.result())]
        made = osf.gather([os_floating_ips.create_async(server=each) for each in given])
        ids = [vms[0].id, vms[1].id, given[2].result().id]
        assert [[each.port_id] for each in made] == [ports_of(os_cloud, each) for each in ids]

    def test_no_port_and_several(os_servers, os_ports, os_floating_ips, net, other):
        lone = os_servers.create_async(network="none")
        nics = [{"net-id": net.result()}, {"net-id": other.result()}]
        double = os_servers.create_async(nics=nics)
        with pytest.raises(osf.InvalidArgument, match="has no port with an IPv4 address, to wh"):
            os_floating_ips.create_async(server=lone).result()
        with pytest.raises(osf.InvalidArgument, match=r"has 2 ports with an IPv4 .*; give port="):
            os_floating_ips.create_async(server=double.result())
        with pytest.raises(osf.InvalidArgument, match="give port='p' or server='s', not both"):
            os_floating_ips.create_async(port="p", server="s")

    def test_failed_server(os_servers, os_floating_ips):
        bad = os_servers.create_async(flavor="m1.huge", try_count=1, network="none")
        with pytest.raises(osf.OperationFailed, match="No valid host"):
            os_floating_ips.create_async(server=bad).result()
"""


def test_floating_ips_of_servers(pytester: pytest.Pytester) -> None:
    run(pytester, FLOATING).assert_outcomes(passed=4)
