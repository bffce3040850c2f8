"""The clock of every contestant, which prints the measured figures as the last line."""

import json
import resource
import time


class Race:
    """Measure the `with` block; `seen` has the time at which each server was seen ACTIVE."""

    def __init__(self):
        self.seen = {}

    def __enter__(self):
        self.cpu = _cpu()
        self.began = time.time()
        return self

    def __exit__(self, *failure):
        if failure[0] is None:
            wall, cpu = time.time() - self.began, _cpu() - self.cpu
            print(json.dumps({"wall": wall, "cpu": cpu, "began": self.began, "seen": self.seen}))


def _cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def image_and_flavor(session):
    """Return the ids of an image and a flavor for all servers."""
    images = session.get("/v2/images", endpoint_filter={"service_type": "image"}).json()["images"]
    flavors = session.get("/flavors", endpoint_filter={"service_type": "compute"}).json()["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == "m1.nano")
    return images[0]["id"], flavor
