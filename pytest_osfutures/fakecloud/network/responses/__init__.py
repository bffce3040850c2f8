"""Neutron on the wire."""
