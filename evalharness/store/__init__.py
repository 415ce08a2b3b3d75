"""All that was ever computed, and finished runs; only here are names and keys of files known."""
