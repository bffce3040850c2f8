"""A class-based suite as in tempest: one server for the class, one action for each test."""

import pytest

import pytest_osfutures as osf


@pytest.fixture(scope="class")
def server(os_servers_class):
    return os_servers_class.create_async("actions").result()


class TestServerActions:
    @pytest.fixture(autouse=True)
    def connect(self, os_cloud, server):
        self.servers = os_cloud.nova.servers
        self.server = server

    def test_stop_and_start(self):
        assert self.server.stop_async(tout=120).result().status == "SHUTOFF"
        assert self.server.start_async(tout=120).result().status == "ACTIVE"

    @pytest.mark.parametrize("kind", ["SOFT", "HARD"])
    def test_reboot(self, kind):
        assert self.server.reboot_async(kind, tout=120).result().status == "ACTIVE"

    def test_pause_and_unpause(self):
        paused = self.servers.pause_async(self.server)
        assert paused.result().status == "PAUSED"
        assert paused.chain.unpause_async().result().status == "ACTIVE"

    def test_rebuild_keeps_the_id(self):
        rebuilt = self.server.rebuild_async(self.server.image["id"]).result()
        assert (rebuilt.id, rebuilt.status) == (self.server.id, "ACTIVE")


class TestServerFailures:
    def test_a_flavor_that_fits_no_host(self, os_servers):
        future = os_servers.create_async("huge", flavor="m1.huge", try_count=1)
        with pytest.raises(osf.ObjectCreationError, match="No valid host was found") as failure:
            future.result()
        assert failure.value.operation == "server.create"
        assert failure.value.status == "ERROR"

    def test_a_deleted_server_cannot_be_stopped(self, os_servers):
        vm = os_servers.create_async("gone").result()
        vm.delete_async().result()
        with pytest.raises(Exception, match="could not be found"):
            vm.stop_async()
