"""Runs side by side on the articles that they share: compare, gate, leaderboard."""
