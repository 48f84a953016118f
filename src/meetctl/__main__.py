"""`python -m meetctl`."""

from meetctl.cli.main import run

if __name__ == "__main__":
    run()
