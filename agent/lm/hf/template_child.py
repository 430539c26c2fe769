"""Render one chat template in a process of its own: JSON comes from standard input, JSON goes to standard output.

A template is a stranger's program, and Jinja bounds neither its time nor its memory; this process bounds both.
It imports nothing of this package and runs isolated. Its environment is the one that transformers gives to templates.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_SECONDS, MEMORY_BYTES, MOST_CHARACTERS = 2, 512 * 2**20, 4 * 2**20


class Generation(Extension):
    """Renders the body of a `generation` block as if the block were not there."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Any) -> Any:
        """Return the nodes between the two tags."""
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


class PlainDict:
    """Makes dictionaries, and offers nothing else of the type."""

    def __call__(self, *args: Any, **entries: Any) -> dict[Any, Any]:
        """Return a dictionary."""
        return dict(*args, **entries)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        """Return a dictionary of these keys."""
        return dict.fromkeys(*args)


class PlainNamespace(jinja2.utils.Namespace):
    """A namespace that takes no name with a leading underscore, so no template reaches Python's own attributes."""

    def __init__(*args: Any, **attributes: Any) -> None:
        entries = dict(*args[1:], **attributes)
        for name in entries:
            PlainNamespace.check(name)
        jinja2.utils.Namespace.__init__(args[0], entries)

    def __setitem__(self, name: str, value: Any) -> None:
        PlainNamespace.check(name)
        super().__setitem__(name, value)

    @staticmethod
    def check(name: Any) -> None:
        """Refuse a name that begins with an underscore."""
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a namespace may not hold {name!r}")


def environment() -> ImmutableSandboxedEnvironment:
    """Return what transformers lets templates see."""
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = _tojson
    made.globals.update(raise_exception=_raise, strftime_now=_strftime_now, dict=PlainDict(), namespace=PlainNamespace)
    return made


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> NoReturn:
    raise jinja2.exceptions.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def outcome_of(template: str, variables: dict[str, Any]) -> dict[str, str]:
    """Return the text that a template makes, or the reason why there is none."""
    try:
        text = environment().from_string(template).render(**variables)
    except MemoryError:
        return {"error": f"it needs more than {MEMORY_BYTES // 2**20} MiB of memory"}
    except Exception as error:  # noqa: BLE001 - a template may raise whatever Python can
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"text": text} if len(text) <= MOST_CHARACTERS else {"error": f"it makes {len(text)} characters"}


def main() -> None:
    """Bound this process, then render what comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.load(sys.stdin)
    json.dump(outcome_of(request["template"], request["variables"]), sys.stdout)


if __name__ == "__main__":
    main()
