"""Keystone's handlers: they read requests, change the model and write responses."""
