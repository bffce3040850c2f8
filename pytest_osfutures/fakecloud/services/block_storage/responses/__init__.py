"""The handlers of Cinder's API, one module for each group of routes."""
