"""The factories of images: one fixture for each scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.scopes import factories

if TYPE_CHECKING:
    from pytest_osfutures.scopes import Scope, SharedScope


@pytest.fixture
def os_images(_osfutures_function: Scope) -> factories.Images:
    """Create images of servers or of data, which are deleted at the end of the test.

    `os_images.create_async(server, name)` returns a future of the image's id,
    `os_images.upload_async(source, name, ...)` a future of the image; the source is a file's path
    or bytes.

    Example:
        def test_upload(os_images, os_servers):
            image = os_images.upload_async("cirros.qcow2", min_ram=64).result()
            assert os_servers.create_async(image=image).result().status == "ACTIVE"
    """
    return factories.Images(_osfutures_function)


@pytest.fixture(scope="class")
def os_images_class(_osfutures_class: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the class."""
    return factories.Images(_osfutures_class)


@pytest.fixture(scope="module")
def os_images_module(_osfutures_module: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the module."""
    return factories.Images(_osfutures_module)


@pytest.fixture(scope="session")
def os_images_session(_osfutures_session: Scope) -> factories.Images:
    """Create images as `os_images` does; they are deleted at the end of the session."""
    return factories.Images(_osfutures_session)


@pytest.fixture(scope="session")
def os_image_args() -> dict[str, Any]:
    """Return default arguments for images, to override in a folder, module or class."""
    return {}


@pytest.fixture(scope="session")
def os_images_shared(_osfutures_shared: SharedScope) -> factories.SharedImages:
    """Create images once for all workers of pytest-xdist; the last worker deletes them."""
    return factories.SharedImages(_osfutures_shared)
