"""The version of Dubito on one line, with the versions that a report of a bug needs. Imports none of the packages."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("torch", "transformers", "langgraph")


def describe_version() -> str:
    """Return the line that `dubito --version` prints, as in "dubito 0.1.0 (Python 3.11.2, torch 2.9.0, …)"."""
    packages = ", ".join(f"{package} {find_version(package) or 'missing'}" for package in _PACKAGES)
    return f"dubito {find_version('dubito') or 'not installed'} (Python {platform.python_version()}, {packages})"


def find_version(package: str) -> str | None:
    """Return the version of an installed package; None for one that is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
