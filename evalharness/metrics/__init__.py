"""Metrics against references, one file each."""
