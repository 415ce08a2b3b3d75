"""Paths and URLs, files that come along, files that go away, texts that nobody vouches for."""
