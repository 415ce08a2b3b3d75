"""Checks of a summary against its article, one file each."""
