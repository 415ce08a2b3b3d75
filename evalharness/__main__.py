"""`python -m evalharness`, and the console script."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from evalharness.cli import main as command_line

        command_line()
    except KeyboardInterrupt:  # before or after a command
        from evalharness.errors import Exit

        print("evalharness: interrupted", file=sys.stderr)
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
