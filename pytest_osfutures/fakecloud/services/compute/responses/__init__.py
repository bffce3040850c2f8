"""The handlers of Nova's API, one module for each group of routes."""
