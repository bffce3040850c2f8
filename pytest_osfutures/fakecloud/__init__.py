"""An OpenStack that runs in this process or on a loopback port: see `FakeCloud`."""
