"""`python -m windtunnel` is the command `windtunnel`."""

from windtunnel.ui.cli import main

if __name__ == "__main__":
    main()
