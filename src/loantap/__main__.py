"""`python -m loantap` is the command line."""

from loantap.cli import main

main()
