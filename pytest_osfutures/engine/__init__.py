"""Watching operations until they end: the loop, its reads and its limits; no I/O."""
