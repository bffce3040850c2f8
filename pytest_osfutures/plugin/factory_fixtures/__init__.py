"""The factories as fixtures: one of a test, a class, a module and a session for each factory.

Each fixture is a plain function with a return type, so that editors and type checkers find it.
"""

from pytest_osfutures.plugin.factory_fixtures import block_storage, compute, image, network

#: The modules with the fixtures, by service.
MODULES = (compute, block_storage, image, network)
