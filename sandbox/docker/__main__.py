"""Build the sandbox's image, unless it is there. Prints each step, and nothing where there is nothing to do."""

from __future__ import annotations

import argparse
import sys

from sandbox.base import SandboxUnavailable
from sandbox.docker.client import connect
from sandbox.docker.image import ensure_image

_EXAMPLE = "example: python -m sandbox.docker"


def _say(step: str) -> None:
    """Print one line on stderr, at once."""
    sys.stderr.write(f"sandbox: {step}\n")
    sys.stderr.flush()


def main() -> int:
    """Make sure that the image is there; return the exit code, 0 or 3."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.docker", description=__doc__, epilog=_EXAMPLE)
    parser.parse_args()
    try:
        client = connect()
        try:
            ensure_image(client, _say)
        finally:
            client.close()
    except SandboxUnavailable as error:
        _say(str(error))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
