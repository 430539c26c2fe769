"""`python -m sandbox.docker`: make sure that the sandbox's image is there. Say each step; say nothing when it is."""

from __future__ import annotations

import sys

from sandbox.base import SandboxUnavailable
from sandbox.docker.client import connect
from sandbox.docker.image import ensure_image


def _say(step: str) -> None:
    """One line, on stderr, now."""
    sys.stderr.write(f"sandbox: {step}\n")
    sys.stderr.flush()


def main() -> int:
    """The exit code: 0, or 3 where there is no image to be had."""
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
