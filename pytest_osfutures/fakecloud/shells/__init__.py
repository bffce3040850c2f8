"""The entries to a fake cloud: HTTP, `requests` in process, and the command `osfutures fake`."""
