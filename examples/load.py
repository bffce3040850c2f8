"""Create load as rally does, with a table by operation.

python examples/load.py fake 20
"""

import sys

import pytest_osfutures as osf


def life() -> list[osf.OperationFuture[object]]:
    vm = s.servers.create_async()
    stopped = vm.chain.stop_async()
    return [vm, stopped, stopped.chain.delete_async()]


try:
    with osf.scope(*sys.argv[1:2]) as s:
        count = int((sys.argv[2:] or ["20"])[0])
        print(osf.measure(life, count=count, concurrency=count, criteria="success >= 99%").table())
except (osf.OSFuturesError, ValueError) as error:
    sys.exit(f"load: {error}")
