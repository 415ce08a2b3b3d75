"""What the tests of the report's page share: runs to report on, and a browser to open it in."""
