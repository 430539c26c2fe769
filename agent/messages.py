"""Texts of unknown length and content, made fit for one line of a message."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from agent.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 100  # characters of a quoted text


def quote(came: object) -> str:
    """Quote a text on one line, without control characters; shorten a long one."""
    text = str(came)
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def shorten_text(text: object, most: int = 300) -> str:
    """Shorten a text of the guest to `most` characters of valid UTF-8, which can be shown and stored anywhere."""
    return _shorten(str(text)[: most + 1].encode("utf-8", "backslashreplace").decode("utf-8"), most)


def shorten_repr(value: Any, most: int = 80) -> str:
    """Return the repr of a value, shortened to `most` characters."""
    try:
        text = repr(_beginning(value, most))
    except ValueError:  # Python refuses to write an int of more than 4,300 digits
        text = f"a {type(value).__name__} too long to write"
    return _shorten(text, most)


def flatten(text: object, most: int = 200) -> str:
    """Return at most `most` characters of a text on one line, without characters that a terminal would obey."""
    line = " ".join(str(text).split())[:most]
    return "".join(character if character.isprintable() else "?" for character in line)


def first_sentence(error: object) -> str:
    """Return the first sentence of a long message, flattened."""
    return flatten(error).split(". ")[0].rstrip(".")


def join_names(names: Iterable[str]) -> str:
    """Join names as in a sentence: a, b or c."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def check_choice(what: str, came: str, names: Iterable[str]) -> None:
    """Raise InvalidRequestError for a name that is not among the names."""
    if came not in names:
        raise InvalidRequestError(f"unknown {what} {quote(came)}; choose from {', '.join(names)}")


def suggest(came: str, names: Iterable[str]) -> str:
    """Return a question for the name that is most like another, to end a sentence; nothing where none is like it."""
    nearest = get_close_matches(came, list(names), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def check_tau(tau: float) -> None:
    """Raise InvalidRequestError for a tau that is no probability above 0."""
    if not 0 < tau <= 1:
        raise InvalidRequestError(
            f"tau is {tau}; wanted 0 < tau <= 1, where a smaller one trusts more of the program (try 0.1)"
        )


def _beginning(value: Any, most: int) -> Any:
    """Return the part of a value that its shortened repr shows, so that nobody waits for the rest."""
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


def _shorten(text: str, most: int) -> str:
    """Cut a text after `most` characters, the last of which is then an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
