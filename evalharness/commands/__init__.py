"""What each command does, a module for each group; `evalharness.cli` says which is where."""
