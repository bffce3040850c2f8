"""Create a server and a volume without pytest; both are deleted, however the script ends.

python examples/script.py --cloud fake
"""

import argparse
import sys

import pytest_osfutures as osf


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloud", default="fake", help="a cloud of your clouds.yaml, or fake")
    given = parser.parse_args(arguments)
    with osf.scope(given.cloud) as s:
        web, disk = s.servers.create_async("web"), s.volumes.create_async(size=1)
        vm, volume = osf.gather(web, disk)
        attachment = s.attachments.create_async(vm, volume).result()
        print(f"{vm.name} has {volume.name} as {attachment.device}")


if __name__ == "__main__":
    try:
        main()
    except osf.OSFuturesError as error:
        sys.exit(f"script: {error}")
