"""openstacksdk's cloud layer: one thread for each server calls create_server(wait=True)."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import clock
import openstack


def main():
    connection = openstack.connect("fake")
    image, flavor = clock.image_and_flavor(connection.session)
    with clock.Race() as race:

        def one(number):
            server = connection.create_server(
                f"s{number}",
                image=image,
                flavor=flavor,
                auto_ip=False,
                wait=True,
                timeout=600,
            )
            race.seen[server.id] = time.time()

        with ThreadPoolExecutor(int(sys.argv[2])) as pool:
            list(pool.map(one, range(int(sys.argv[1]))))


main()
