"""News pages with a summary box: which lines are title, summary and article."""
