"""Entry points: the `osfutures` command and the process of the reaper."""
