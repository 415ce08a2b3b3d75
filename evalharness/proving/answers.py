"""What is known beforehand: texts with their answers, worked out by hand."""

# Of the 24 articles of the quickstart, in order.
ARTICLES = 24
FINGERPRINT = "df9037d4d19001a2a8d8fb0081f3f4cd"

# What both checkpoints write, where it is the first sentence of an article.
LEADS = (
    "It rained.",
    "He said “no.”",
    "The café in Zürich shut at 4.30 p.m. on 3 May!",
    "Would 1,204 people (or more) come?",
)

SENTENCES = ("It rained in Ottmar.", "The bridge was closed for 3 days.", "Nobody was hurt.")

# Reference and summary share all six words, three of five pairs of neighbours (the cat, on the, the
# mat), and five words in the same order (the cat on the mat).
REFERENCE = "The cat sat on the mat."
SUMMARY = "The cat on the mat sat."
ROUGE = {"rouge1": 1.0, "rouge2": 3 / 5, "rougeL": 5 / 6, "rougeLsum": 5 / 6}

# 0 to 99, 1,000 resamples of seed 0: both ends of the 95 % interval of their mean.
INTERVAL = (43.81925, 54.9505)

ARTICLE = """\
The town council of Ottmar approved a new library on Tuesday. The building will cost 4.2 million \
crowns and will open in May 2031. Mayor Lea Brandt said the council had voted nine to two for it. \
Residents did not support an earlier plan for a car park on the same site."""
SUPPORTED = "The council of Ottmar approved a library that will cost 4.2 million crowns."
# A summary with one error each, and the kinds of flags that name it.
ERRORS = {
    "The council of Ottmar approved a library that will cost 4.7 million crowns.": {"number"},
    "The council of Hallin approved a library that will cost 4.2 million crowns.": {"entity"},
    "The new library will open in June 2031.": {"date"},
    "The council of Ottmar rejected a new library.": {"antonym"},
}

PAGE = """\
Night clinic opens in Ottmar

Key points (AI-generated)

1. The county hospital supports a night clinic in Ottmar
2. The clinic has 21 beds

Lea Brandt
Updated: June 3, 2031

The county hospital supports the new night clinic in Ottmar, its director said on Tuesday.

The clinic has 12 beds and opens on Sunday.

Parents had to drive 70 kilometers to the city at night until now.

Newsletter
Most read
"""
PAGE_TITLE = "Night clinic opens in Ottmar"
PAGE_BYLINE = "Lea Brandt"
PAGE_PARAGRAPHS = 3
