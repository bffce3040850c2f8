"""The handlers of Neutron's API."""
