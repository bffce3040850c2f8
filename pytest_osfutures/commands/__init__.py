"""The `osfutures` command."""
