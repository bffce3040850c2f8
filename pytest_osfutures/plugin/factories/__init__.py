"""Factories: fixtures that create resources and delete what they have created."""
