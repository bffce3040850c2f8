"""pytest-osfutures: create all servers at once and let one monitor watch them."""

import sys
import time

import clock

import pytest_osfutures as osf


def main() -> None:
    cloud = osf.connect("fake")
    nova = cloud.nova
    image, flavor = clock.image_and_flavor(cloud.session)
    with clock.Race() as race:
        futures = [
            nova.servers.create_async_r(f"s{number}", image, flavor, nics="none", tout=300)
            for number in range(int(sys.argv[1]))
        ]
        for future in osf.as_completed(futures):
            race.seen[future.result().id] = time.time()


main()
