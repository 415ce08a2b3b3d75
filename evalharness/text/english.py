"""Which words English has: what is none of them, in a lower-cased summary, is most likely a name.

The list `english_words.txt.gz` holds the stems of all single words that WordNet 3.0 (Princeton
University, 2006; its licence stands beside it) writes in lower case; names it writes with capitals.
`make_english_words.py` in `configs` made it.
"""

import gzip
from functools import cache
from importlib.resources import files

from evalharness.text.tokens import fold
