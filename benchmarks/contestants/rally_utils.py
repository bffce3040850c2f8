"""rally: create all servers, then call wait_for_status for each, as boot_servers does."""

import sys
import time

import clock
import openstack
from novaclient import client
from rally.task import utils


def main():
    connection = openstack.connect("fake")
    nova = client.Client("2.90", session=connection.session)
    image, flavor = clock.image_and_flavor(connection.session)
    with clock.Race() as race:
        servers = [
            nova.servers.create(f"s{number}", image, flavor, nics="none")
            for number in range(int(sys.argv[1]))
        ]
        for server in servers:
            utils.wait_for_status(
                server,
                ready_statuses=["ACTIVE"],
                update_resource=utils.get_from_manager(),
                timeout=600,
                check_interval=1.0,
            )
            race.seen[server.id] = time.time()


main()
