"""A plain call of a client becomes a future: submit, watch, decide, undo, try again."""
