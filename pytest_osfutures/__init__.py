"""Futures for the background operations of OpenStack."""
