"""Where articles come from, one file a source."""
