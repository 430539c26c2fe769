"""`python -m agent` is `dubito`."""

from agent.cli import main

main()
