"""`python -m evalharness`, and the console script."""


def main() -> None:
    """Run the command line."""
    from evalharness.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
