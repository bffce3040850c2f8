"""Nothing is left behind: the ledger, the sweep and the reaper."""
