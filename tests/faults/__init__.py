"""Faults at random moments of whole runs: `PYTHONPATH=tests python -m faults --cases 200 --seed 0`.

A run is a process of its own. It counts its touches of the results folder (files opened, written,
flushed to disk, moved, removed) and its calls of models and metrics; a fault strikes at one of
them.
"""
