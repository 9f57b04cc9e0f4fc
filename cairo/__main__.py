"""`python -m cairo`, and the `cairo` command."""

from cairo.stopping import Stopped, catch


def main() -> None:
    """Run the command, ready to be stopped before it is imported."""
    try:
        catch()
        from cairo.cli import main as command

        command()
    except Stopped as stop:
        stop.leave()


if __name__ == "__main__":
    main()
