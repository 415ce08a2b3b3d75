"""Whether a run on disk, a published figure or an installation can be trusted."""
