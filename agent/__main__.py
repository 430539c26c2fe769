"""`dubito` and `python -m agent`. Handles interrupts before the first slow import."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # nohup and background jobs ignore it
    if interruptible:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from agent.cli.app import main as run
    from agent.cli.interrupts import watch

    if interruptible:
        watch()
    run()


if __name__ == "__main__":
    main()
