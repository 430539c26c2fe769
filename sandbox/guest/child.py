"""Load the program, call its functions and write the outcomes, in its own process. The host trusts none of it."""

from __future__ import annotations

import atexit
import builtins
import io
import json
import linecache
import os
import sys
import threading
import traceback
import types
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import message, plain, wire

_FILE = "program.py"
JOB, RESULTS = 3, 4  # descriptors; 0, 1 and 2 are the program's own streams
_LONGEST_MESSAGE = 10_000  # characters of an exception's message
_LONGEST_NAME = 200  # characters of a class's name


class Refused(Exception):  # noqa: N818 - the program is refused by the compiler
    """The compiler refuses the source."""


def run_program(source: str, *, answering: bool) -> int:
    """Execute the program, then the calls that wait on JOB; return the exit status."""
    _open_streams()
    process = os.getpid()
    try:
        module = _load(source, "program" if answering else "__main__")
        if os.getpid() != process:  # this is a fork of the program at its end; only the first process answers
            return 0
        token, calls = _calls()
        for call in calls:
            kind, body = _outcome(call, module.__dict__)
            if os.getpid() != process:
                return 0
            _say(token, kind, body)
        if not answering:
            _finish_threads()
    except Refused:
        return _say(message.UNSIGNED, message.REFUSED)
    except MemoryError as error:
        with suppress(MemoryError):
            _report(error)
        return _say(message.UNSIGNED, message.MEMORY)
    except BaseException as error:  # noqa: BLE001 - a program may end by raising anything
        return _end(error, answering=answering)
    finally:
        _flush()
    _say(token, message.DONE)
    return 0


def start_anew(hash_seed: int, *, answering: bool) -> None:
    """Replace this process by a fresh interpreter with another hash seed, which calls `resume`. Never returns."""
    parent = str(Path(__file__).parent.parent)
    start = (
        f"import sys; sys.path.insert(0, {parent!r}); from guest import child; "
        f"del sys.path[0]; sys.path.append({parent + '/packages'!r}); child.resume({answering})"
    )
    os.set_inheritable(JOB, True)
    os.set_inheritable(RESULTS, True)
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    os.execve(sys.executable, [sys.executable, "-P", "-s", "-S", "-B", "-c", start], environment)


def resume(answering: bool) -> None:
    """Run the program that waits on JOB, in the interpreter that `start_anew` started."""
    del os.environ["PYTHONHASHSEED"]
    code = 1
    try:
        code = run_program(wire.read_frame(JOB).decode("utf-8", "surrogatepass"), answering=answering)
    except BaseException:  # noqa: BLE001 - it is printed to the program's stderr, which the host returns
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _load(source: str, name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(__file__=_FILE, __builtins__=builtins)
    sys.modules["__main__"] = sys.modules[name] = module
    sys.argv[:] = [_FILE]
    linecache.cache[_FILE] = (len(source), None, source.splitlines(keepends=True), _FILE)
    exec(_compiled(source), module.__dict__)
    return module


def _compiled(source: str) -> types.CodeType:
    try:
        return compile(source, _FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        _print(traceback.format_exception_only(type(error), error))
        raise Refused from error
    except (ValueError, RecursionError, OverflowError) as error:  # null bytes, lone surrogates, too much nesting
        _print([f'  File "{_FILE}"\n', f"SyntaxError: {error}\n"])
        raise Refused from error


def _calls() -> tuple[bytes, list[Any]]:
    """Read token and calls. This happens after the program has loaded, so that it could not find them in memory."""
    _, (token, calls) = wire.unpack(wire.read_frame(JOB))
    return token, json.loads(calls)


def _outcome(call: list[str], namespace: dict[str, Any]) -> tuple[bytes, bytes]:
    try:
        value = _value(call, namespace)
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - one call's exception is its outcome
        return message.RAISED, json.dumps([_name(error), _words(error)]).encode("ascii")
    try:
        return message.RETURNED, plain.dumps(value)
    except plain.PlainError:
        return message.NOT_PLAIN, json.dumps([_name(value)]).encode("ascii")


def _value(call: list[str], namespace: dict[str, Any]) -> Any:
    kind, text, *arguments = call
    if kind == "expression":
        return eval(compile(text, "<expression>", "eval", dont_inherit=True), namespace)
    if text not in namespace:
        raise NameError(f"name {text!r} is not defined")
    return namespace[text](*plain.loads(arguments[0].encode("ascii")))


def _name(value: object) -> str:
    return type(value).__name__[:_LONGEST_NAME]


def _words(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST_MESSAGE]
    except Exception as second:  # noqa: BLE001 - a program's __str__ may raise anything
        return f"<str() raised {type(second).__name__}>"


def _say(token: bytes, kind: bytes, body: bytes = b"") -> int:
    wire.write_all(RESULTS, wire.frame(message.sign(token, kind, body)))
    return 1


def _end(error: BaseException, *, answering: bool) -> int:
    """Return the exit status. A script may end with SystemExit; a program with calls to answer has then failed."""
    if answering or not isinstance(error, SystemExit):
        _report(error)
        return 1
    if error.code is not None and not isinstance(error.code, int):
        _print([f"{_words(error)}\n"])
    _finish_threads()
    if error.code is None:
        return 0
    if not isinstance(error.code, int):
        return 1
    return error.code & 255 if abs(error.code) < 1 << 31 else 255


def _report(error: BaseException) -> None:
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != _FILE:
        trace = trace.tb_next
    _print(traceback.format_exception(type(error), error, trace))


def _print(lines: list[str]) -> None:
    _flush()
    with suppress(OSError):  # a program may have closed it
        wire.write_all(2, "".join(lines).encode("utf-8", "backslashreplace"))


def _finish_threads() -> None:
    """Do what the interpreter does at its end: wait for threads, then run the exit functions."""
    threading._shutdown()  # type: ignore[attr-defined] # what the interpreter itself calls
    atexit._run_exitfuncs()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a program may have replaced it by anything
            stream.flush()


def _open_streams() -> None:
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8", errors="replace")
    sys.stdout = _writer(1, "strict")
    sys.stderr = _writer(2, "backslashreplace")
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)


def _writer(fd: int, errors: str) -> io.TextIOWrapper:
    """Return a stream that is flushed line by line, so that a limit loses nothing that was printed before."""
    return io.TextIOWrapper(io.FileIO(fd, "w", closefd=False), encoding="utf-8", errors=errors, line_buffering=True)
