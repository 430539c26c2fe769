"""`dubito`, and `python -m agent`. An interrupt is answered before the first import that takes time."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line."""
    watched = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where interrupts are ignored
    if watched:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from agent.cli.app import main as run
    from agent.cli.interrupts import watch

    if watched:
        watch()
    run()


if __name__ == "__main__":
    main()
