"""Resources that the cloud creates for the resources of a test are deleted too."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run


def test_root_volumes_and_snapshots_of_images_are_deleted(pytester: pytest.Pytester) -> None:
    text = """
    def disk(image, **more):
        return {"uuid": image, "source_type": "image", "destination_type": "volume",
                "boot_index": 0, "volume_size": 1, **more}

    def left(cloud):
        return sorted(row["kind"] for row in cloud.fake.alive()
                      if row["kind"] in ("server", "volume", "snapshot", "port")
                      and row["project_id"] == cloud.session.get_project_id())

    def test_some(os_cloud, os_servers, os_images):
        image = os_cloud.nova.glance.list()[0]
        vm = os_servers.create_async(
            "web", image=None, block_device_mapping_v2=[disk(image.id)]).result()
        os_images.create_async(vm, "picture").result()
        assert left(os_cloud).count("volume") == 1
        assert left(os_cloud).count("snapshot") == 1

    def test_nothing_is_left(os_cloud):
        assert left(os_cloud) == []

    def test_soft(os_cloud, os_servers):
        os_cloud.fake.settings.change({"soft_delete": True})
        os_servers.create_async("web").result()

    def test_nothing_is_hidden(os_cloud):
        assert left(os_cloud) == []
    """
    run(pytester, text).assert_outcomes(passed=4)
