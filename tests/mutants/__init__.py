"""One-line mutants of the engine and the clean-up, and whether the unit tests notice them."""
