"""A language model asked about a summary, here or behind an endpoint."""
