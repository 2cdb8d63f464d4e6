"""``python -m wxrevenue``: the command line."""

from wxrevenue.cli import main

main()
