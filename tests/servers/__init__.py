"""Servers of our own that tests talk to, on the loopback; each stops with its test."""
