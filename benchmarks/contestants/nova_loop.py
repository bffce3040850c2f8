"""novaclient: create all servers, then read each server until it is ACTIVE."""

import sys
import time

import clock
import openstack
from novaclient import client


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
            while nova.servers.get(server.id).status != "ACTIVE":
                time.sleep(1)
            race.seen[server.id] = time.time()


main()
