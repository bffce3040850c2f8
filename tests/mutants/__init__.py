"""Mutation testing of the modules that decide what becomes of a resource."""
