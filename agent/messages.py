"""Show what came in a message: quoted, on one line, cut where it is long."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from agent.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 100  # characters of what came, in a message


def quoted(came: object) -> str:
    """Return what came as a message may show it: in quotes, on one line, without control characters, cut if long."""
    text = str(came)
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def words(text: object, most: int = 300) -> str:
    """Return text of the guest's as it may be shown and stored anywhere: valid UTF-8, and cut after `most`."""
    return short_text(str(text)[: most + 1].encode("utf-8", "backslashreplace").decode("utf-8"), most)


def short_text(text: str, most: int = 300) -> str:
    """Return a text, cut after `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short(value: Any, most: int = 80) -> str:
    """Return how a failure shows a value: its repr, cut after `most` characters."""
    try:
        text = repr(_beginning(value, most))
    except ValueError:  # Python refuses to write an int of more than 4,300 digits
        text = f"a {type(value).__name__} too long to write"
    return short_text(text, most)


def _beginning(value: Any, most: int) -> Any:
    """Return as much of a value as is seen of its repr, so that nobody waits for the rest."""
    match value:
        case str() | bytes():
            return value[: most + 1]
        case list() | tuple() if len(value) > most:
            return value[: most + 1]
        case set() | frozenset() if len(value) > most:
            return type(value)(islice(value, most + 1))
        case dict() if len(value) > most:
            return dict(islice(value.items(), most + 1))
    return value


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence of `--help` has them."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def check_choice(what: str, came: str, names: Iterable[str]) -> None:
    """Raise InvalidRequestError for a name that is not among the names."""
    if came not in names:
        raise InvalidRequestError(f"unknown {what} {quoted(came)}; choose from {', '.join(names)}")
