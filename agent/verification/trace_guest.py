"""Trace the values of local variables, line by line. Its source runs in the program's process, behind the program.

A program can forge its trace, as it can forge any value. A trace chooses tokens, and judges nothing.
"""

from __future__ import annotations

import re
import reprlib
import sys
from types import FrameType
from typing import Any


class _Enough(BaseException):
    """The trace is long enough; the run ends."""


_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 60
_shown.maxlist = _shown.maxtuple = _shown.maxdict = _shown.maxset = _shown.maxfrozenset = _shown.maxdeque = 8


def record_values(source: str, space: dict[str, Any], most: int) -> list[Any]:
    """Execute a source; return the events of the program's lines, at most so many, and the exception that ended it.

    An event is the number of a line, and what it changed: pairs of a name and a text. A result's name is `return`.
    """
    recorder = _Recorder(space.get("__file__", ""), most)
    raised = ""
    code = compile(source, "<example>", "exec", dont_inherit=True)
    sys.settrace(recorder.trace)
    try:
        exec(code, space)
    except _Enough:
        pass
    except BaseException as error:  # noqa: BLE001 - an unfinished program raises anything
        raised = f"{type(error).__name__}: {error}"[:120]
    finally:
        sys.settrace(None)
    return [recorder.events, raised]


class _Recorder:
    def __init__(self, file: str, most: int) -> None:
        self.events: list[list[Any]] = []
        self._file, self._most = file, most
        self._frames: dict[FrameType, tuple[int, dict[str, str]]] = {}  # line that runs, values before it

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Record what the line before this event changed."""
        if frame.f_code.co_filename != self._file or frame.f_code.co_name.startswith("<"):
            return None
        line, before = self._frames.get(frame, (frame.f_lineno, {}))
        values = {name: _show(value) for name, value in frame.f_locals.items()}
        changed = [[name, text] for name, text in values.items() if before.get(name) != text]
        if event == "call":
            self.events.append([line, changed])
            self._frames[frame] = (0, values)
        elif event == "return":
            self.events.append([line, changed + ([["return", _show(argument)]] if argument is not None else [])])
            self._frames.pop(frame, None)
        elif event != "exception":  # a line that raises comes back with `return`
            self.events += [[line, changed]] if line else []
            self._frames[frame] = (frame.f_lineno, values)
        if len(self.events) >= self._most:
            raise _Enough
        return self.trace


def _show(value: Any) -> str:
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", _shown.repr(value))  # an address differs from run to run
    except Exception:  # noqa: BLE001 - a class may have any repr, and a number too many digits
        return f"<{type(value).__name__}>"
