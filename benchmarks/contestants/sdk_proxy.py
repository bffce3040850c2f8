"""openstacksdk's proxy: one thread for each server calls create_server and wait_for_server."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import clock
import openstack


def main():
    connection = openstack.connect("fake")
    compute = connection.compute
    image, flavor = clock.image_and_flavor(connection.session)
    with clock.Race() as race:

        def one(number):
            server = compute.create_server(
                name=f"s{number}", image_id=image, flavor_id=flavor, networks="none"
            )
            compute.wait_for_server(server, wait=600)
            race.seen[server.id] = time.time()

        with ThreadPoolExecutor(int(sys.argv[2])) as pool:
            list(pool.map(one, range(int(sys.argv[1]))))


main()
