"""`python -m cairo`."""

from cairo.cli import main

if __name__ == "__main__":
    main()
