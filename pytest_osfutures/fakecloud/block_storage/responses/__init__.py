"""Cinder on the wire."""
