"""Planted errors: a supported summary with exactly one thing wrong in it, and where.

Made by rules, so that a check can be tested on any article without a model and without annotators:
`plant` makes the error, `measure` counts which errors a check finds and what it flags where
nothing is wrong.
"""
