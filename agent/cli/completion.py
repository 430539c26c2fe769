"""What a shell completes for the values of options and arguments. Imports what it lists when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from agent.errors import DubitoError


def complete_from(names: Iterable[str]) -> Callable[[], list[str]]:
    """Return the function that completes a value by these names."""
    return lambda: list(names)


def complete_model() -> list[str]:
    """List the models that are on this machine."""
    from agent.lm.names import EMBEDDED

    return [EMBEDDED, *complete_downloaded()]


def complete_downloaded() -> list[str]:
    """List the models of the shelf and the converted files that are on this machine."""
    from agent.lm.shelf.cache import is_present, list_converted, place_of
    from agent.lm.shelf.entries import read_shelf

    here = [model.name for model in read_shelf().values() if is_present(place_of(model.sha256))]
    return [*here, *(folder.name for folder in list_converted())]


def complete_shelf_name() -> list[str]:
    """List the models of the shelf, here or not."""
    from agent.lm.shelf.entries import read_shelf

    return list(read_shelf())


def complete_budget(incomplete: str) -> list[str]:
    """List a budget as it is typed with each part that may come next. incomplete: as in "programs=5,"."""
    from agent.search.budget import Budget

    before = incomplete[: incomplete.rfind(",") + 1]
    named = {part.partition("=")[0] for part in before.split(",")}
    return [f"{before}{part}=" for part in Budget.__dataclass_fields__ if part not in named]


def complete_thread() -> list[str]:
    """List the named runs, the newest first."""
    from agent.workflow.named_runs import list_runs

    with suppress(DubitoError):  # the command itself will say what is wrong
        return [run.name for run in list_runs()]
    return []
