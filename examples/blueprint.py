"""Run the blueprint's scenario on any cloud: python examples/blueprint.py [CLOUD]

Create a server with a future and print the preliminary result, create another server with retries,
take both results in the order of completion, chain the attachment of a volume, delete everything.
"""

import sys

import pytest_osfutures as osf


def main(name: str = "fake") -> None:
    cloud = osf.connect(name)
    nova, cinder = cloud.nova, cloud.cinder
    flavor = min(nova.flavors.list(), key=lambda each: (each.ram, each.disk))
    image = min(nova.glance.list(), key=lambda each: each.size or 0)

    # Each call that starts background work has a twin that returns a future.
    first = nova.servers.create_async("first", image.id, flavor, nics="none", tout=300)
    print("accepted:", first.sync_res.id, "- done already?", first.done())

    # The other twin undoes a failed try and tries again, in the background.
    second = nova.servers.create_async_r(
        "second", image.id, flavor, nics="none", try_count=3, tout=300
    )
    disk = cinder.volumes.create_async_r(1, name="disk", try_count=3, tout=300)

    # Results come in the order of completion.
    for done in osf.as_completed([first, second]):
        print("ready:", done.result().name, done.result().status)

    # `next` calls a function with the result, and awaits the future that the function returns.
    volume = disk.result()
    attached = first.next(lambda vm: nova.volumes.create_server_volume_async(vm.id, volume.id))
    attached.result()
    print("attached:", cinder.volumes.get(volume.id).status)

    nova.volumes.delete_server_volume_async(first.result().id, volume.id).result()
    gone = [future.chain.delete_async() for future in (first, second, disk)]
    print("deleted:", osf.gather(*gone) == [None, None, None])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:2])
    except osf.OSFuturesError as error:
        sys.exit(f"blueprint: {error}")
