"""Mutation testing of the modules that decide about the end of a resource."""
