"""The ways into the fake: HTTP, `requests` in process, the control API, the command."""
