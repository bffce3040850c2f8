"""Which resources are ours: stamps put on later, and what the cloud makes for a resource."""
