"""Arrays in, arrays out: intervals, paired tests, many comparisons at once, agreement."""
