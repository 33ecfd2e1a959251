"""`python -m sepia` is `sepia`."""

from .cli import main

if __name__ == "__main__":
    main()
