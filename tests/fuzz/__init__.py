"""A seeded fuzzer: `PYTHONPATH=tests python -m fuzz --cases 100000 --seed 0 [--target NAME]`.

Every parser of what comes from outside, and every check and metric, is given mutated input. Nothing
but an error of ours, in one line, may come of it, and that within a second.
"""
