"""What people read of finished runs: one HTML page, plots, tables, verdicts."""
