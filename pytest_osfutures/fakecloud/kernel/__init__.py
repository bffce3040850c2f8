"""The parts of which each service is made. The kernel knows no service."""
