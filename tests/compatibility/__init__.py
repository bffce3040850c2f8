"""Runs of pytest with other plugins; each test is skipped where its plugin is not installed."""
