"""What the parity tests of the neural checks share.

`tiny` makes small checkpoints by rule (no weights are committed), `texts` the pairs that are
scored, `frozen` reads what the authors' own code says of them (`tests/golden/neural/*.json`), and
`double` has their code and ours compute in float64, which no processor's kernels show in.
`rederive.py METHOD PATH` runs that code again, from a copy of its repository, and compares or
rewrites; `official_METHOD.py` drives it. None of it is part of this project.

A driver has `REPOSITORY` ("owner/name") and `fixtures(folder, path)`, which makes the tiny
checkpoints in `folder`, runs the code at `path` and returns, by fixture's name, a triple of values
(JSON), the checkpoint's digest and the texts' digest.
"""
