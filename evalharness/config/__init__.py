"""From YAML to checked components: what a run is to do."""
