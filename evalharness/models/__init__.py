"""Summarizers, one file a kind."""
