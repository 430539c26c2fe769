"""Render chat templates in a process of its own: a line of JSON on standard output for each on standard input.

A template is a stranger's program, and Jinja bounds neither its time nor its memory. This process bounds both. It
imports nothing of this package. Templates see the same environment as in transformers.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

_CPU_SECONDS, _MEMORY_BYTES, _MAX_CHARACTERS = 2, 512 * 2**20, 4 * 2**20


class Generation(Extension):
    """Renders the body of a `generation` block as if the block were not there."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Any) -> Any:
        """Return the nodes between the two tags."""
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


class PlainDict:
    """Makes dictionaries; it hides the type `dict` from templates."""

    def __call__(self, *args: Any, **entries: Any) -> dict[Any, Any]:
        """Return a dictionary."""
        return dict(*args, **entries)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        """Return a dictionary of these keys."""
        return dict.fromkeys(*args)


class PlainNamespace(jinja2.utils.Namespace):
    """A namespace that refuses names with a leading underscore, so that no template reaches Python's own attributes."""

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
        """Raise SecurityError for a name that begins with an underscore."""
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a namespace may not hold {name!r}")


def make_environment() -> ImmutableSandboxedEnvironment:
    """Return the environment that transformers gives to templates."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals.update(
        raise_exception=_raise, strftime_now=_strftime_now, dict=PlainDict(), namespace=PlainNamespace
    )
    return environment


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> NoReturn:
    raise jinja2.exceptions.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def render(template: str, variables: dict[str, Any]) -> dict[str, str]:
    """Return the text of a template, or the error."""
    try:
        text = make_environment().from_string(template).render(**variables)
    except MemoryError:
        return {"error": f"it needs more than {_MEMORY_BYTES // 2**20} MiB of memory"}
    except Exception as error:  # noqa: BLE001 - a template may raise whatever Python can
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"text": text} if len(text) <= _MAX_CHARACTERS else {"error": f"it makes {len(text)} characters"}


def main() -> None:
    """Bound this process, then render the requests on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe = sys.stdout.buffer
    for line in sys.stdin:
        _allow_cpu_seconds(_CPU_SECONDS)
        request = json.loads(line)
        pipe.write(json.dumps(render(request["template"], request["variables"])).encode() + b"\n")
        pipe.flush()


def _allow_cpu_seconds(seconds: int) -> None:
    """Let the system end this process once it has used the processor for so many more seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    main()
