"""From what the guest sent to an Execution. Pure, and the one place where a verdict is decided.

The supervisor's header is believed (its nonce was checked). What the child wrote is believed only as far as it cannot
help the program: outcomes are values somebody else will compare, and a claim to have failed is granted.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.base import Execution, Outcome, Raised, Returned, Unplain, Verdict
from sandbox.guest import message, plain, wire

STRUCK = {"cpu": Verdict.TIMED_OUT_CPU, "wall": Verdict.TIMED_OUT_WALL, "output": Verdict.OUTPUT_LIMIT}
SIGNALS: dict[int, Verdict] = {signal.SIGXCPU: Verdict.TIMED_OUT_CPU, signal.SIGSYS: Verdict.FORBIDDEN}


@dataclass(frozen=True, slots=True)
class Report:
    """What the child said: outcomes in order, and the one word it ended with, if any."""

    outcomes: tuple[Outcome, ...]
    last: str | None  # "done", "refused" (by the compiler), "memory", "garbled"


def execution(header: dict[str, Any], blobs: list[bytes], token: bytes, wanted: int) -> Execution:
    """Judge one answer: `wanted` is the number of calls, `token` what the child's messages must carry."""
    stdout, stderr, results = blobs
    report = read_report(results, token)
    code = None if header["status"] is None else os.waitstatus_to_exitcode(header["status"])
    verdict = decide(header["struck"], code, header["memory_kills"], report, wanted)
    errors = stderr.decode("utf-8", "replace")
    return Execution(
        verdict=verdict,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=errors if verdict is Verdict.PASSED or errors else _epitaph(verdict, code),
        truncated=header["truncated"],
        outcomes=report.outcomes[:wanted],
        cpu_seconds=header["cpu_seconds"],
        wall_seconds=header["wall_seconds"],
        peak_memory_mib=header["peak_memory_mib"],
        python=header["python"],
    )


def decide(struck: str | None, code: int | None, memory_kills: int, report: Report, wanted: int) -> Verdict:
    """The verdict: first what was enforced from outside, then what ended the process, then what the child said."""
    if struck:
        return STRUCK[struck]
    if memory_kills or report.last == "memory":  # whichever of its processes the kernel took
        return Verdict.OUT_OF_MEMORY
    if code is not None and code < 0:
        return SIGNALS.get(-code, Verdict.FAILED)
    if report.last == "refused":
        return Verdict.SYNTAX_ERROR
    complete = report.last == "done" and len(report.outcomes) == wanted and code == 0
    return Verdict.PASSED if complete else Verdict.FAILED


def read_report(results: bytes, token: bytes) -> Report:
    """The child's messages up to the first that is not one. Raises nothing, whatever the bytes are."""
    outcomes: list[Outcome] = []
    last = None
    try:
        for payload in wire.frames(results):
            if last is not None:
                return Report(tuple(outcomes), "garbled")
            said = _message(payload, token)
            if isinstance(said, str):
                last = said
            else:
                outcomes.append(said)
    except (ValueError, TypeError, KeyError, RecursionError):
        last = "garbled"
    return Report(tuple(outcomes), last)


def _message(payload: bytes, token: bytes) -> Outcome | str:
    signed, kind, body = message.unpack(payload)
    if kind in GRANTED:
        return GRANTED[kind]
    if signed != token:
        raise ValueError("a message without the token")
    return "done" if kind == message.DONE else OUTCOMES[kind](body)


def _returned(body: bytes) -> Outcome:
    return Returned(plain.decode(body))


def _raised(body: bytes) -> Outcome:
    type, words = json.loads(body)
    return Raised(str(type), str(words))


def _unplain(body: bytes) -> Outcome:
    (type,) = json.loads(body)
    return Unplain(str(type))


GRANTED = {message.REFUSED: "refused", message.MEMORY: "memory"}  # without a token: no program gains by them
OUTCOMES: dict[bytes, Callable[[bytes], Outcome]] = {
    message.RETURNED: _returned,
    message.RAISED: _raised,
    message.UNPLAIN: _unplain,
}


def _epitaph(verdict: Verdict, code: int | None) -> str:
    """One line for a program that died without a word."""
    if code is None or verdict is Verdict.OUT_OF_MEMORY:
        return f"program.py: stopped: {verdict}\n"
    if code < 0:
        return f"program.py: killed by {_signal_name(-code)}: {verdict}\n"
    return f"program.py: left with exit code {code} before its end: {verdict}\n"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
