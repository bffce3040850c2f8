"""tempest: create all servers, then call the waiter for each, as create_test_server does."""

import sys
import time

import clock
import openstack
from tempest.common import waiters
from tempest.lib import auth
from tempest.lib.services import compute


def main():
    connection = openstack.connect("fake")
    given = connection.config.get_auth_args()
    credentials = auth.KeystoneV3Credentials(
        username=given["username"],
        password=given["password"],
        project_name=given["project_name"],
        user_domain_id="default",
        project_domain_id="default",
    )
    provider = auth.KeystoneV3AuthProvider(credentials, given["auth_url"])
    client = compute.ServersClient(
        provider, "compute", "RegionOne", build_interval=1, build_timeout=600
    )
    image, flavor = clock.image_and_flavor(connection.session)
    with clock.Race() as race:
        made = [
            client.create_server(name=f"s{number}", imageRef=image, flavorRef=flavor)["server"]
            for number in range(int(sys.argv[1]))
        ]
        for server in made:
            waiters.wait_for_server_status(client, server["id"], "ACTIVE")
            race.seen[server["id"]] = time.time()


main()
