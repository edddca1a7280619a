"""`python -m loantap` is the command line."""

from loantap.cli.app import main

main()
