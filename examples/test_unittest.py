"""A class of unittest with a scope: `python -m unittest examples/test_unittest.py`, or pytest."""

import os
import unittest

import pytest_osfutures as osf


class TestWeb(unittest.TestCase):
    web: osf.OperationFuture[osf.Server]

    @classmethod
    def setUpClass(cls) -> None:
        s = cls.enterClassContext(osf.scope(os.environ.get("OS_CLOUD", "fake")))
        cls.web = s.servers.create_async("web")

    def test_web(self) -> None:
        assert self.web.result().status == "ACTIVE"

    def test_name(self) -> None:
        assert self.web.result().name == "web"
