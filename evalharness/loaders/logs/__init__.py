"""Logs of other harnesses: their summaries, read as rows."""
