"""Checks that need no network: words, numbers, dates, names, quotations, polarity, roles."""
