"""Nova on the wire, one module for each group of routes."""
