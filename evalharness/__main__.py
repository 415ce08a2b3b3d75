"""`python -m evalharness`, and the console script."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from evalharness.cli import main as command_line

        command_line()
    except KeyboardInterrupt:  # before or after a command
        print("evalharness: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
