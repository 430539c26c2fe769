"""Turn the guest's answer into an Execution. This is the one place that decides a verdict; it touches nothing else.

It trusts the supervisor's header, whose nonce was checked. It trusts the child only where a lie cannot help the
program: outcomes are values that somebody else compares, and a program that claims to have failed has failed.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.base import DEFAULT_LIMITS, CallOutcome, Execution, Limits, Raised, Returned, Unplain, Verdict
from sandbox.guest import message, plain, wire

_LIMIT_VERDICTS = {
    "cpu": Verdict.TIMED_OUT_CPU,
    "wall": Verdict.TIMED_OUT_WALL,
    "output": Verdict.OUTPUT_LIMIT,
    "files": Verdict.FAILED,  # it left files that cannot be removed
}
_SIGNALS: dict[int, Verdict] = {signal.SIGXCPU: Verdict.TIMED_OUT_CPU, signal.SIGSYS: Verdict.FORBIDDEN}


@dataclass(frozen=True, slots=True)
class ChildReport:
    """The child's messages: outcomes in order, and how they ended."""

    outcomes: tuple[CallOutcome, ...]
    last: str | None  # "done", "refused" (by the compiler), "memory", "garbled", a limit of decoding, or nothing


def build_execution(
    header: dict[str, Any], blobs: list[bytes], token: bytes, num_calls: int, limits: Limits = DEFAULT_LIMITS
) -> Execution:
    """Build the execution of one answer. num_calls: how many were asked for. token: signs the child's messages.

    The time to decode the outcomes counts as the program's cpu time.
    """
    stdout, stderr, results = blobs
    report = read_report(results, token, plain.DecodingBudget(limits.cpu_seconds))
    code = None if header["status"] is None else os.waitstatus_to_exitcode(header["status"])
    verdict = choose_verdict(header["struck"], code, header["memory_kills"], report, num_calls)
    errors = stderr.decode("utf-8", "replace")
    return Execution(
        verdict=verdict,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=errors or _describe_end(verdict, code, header["struck"], script=num_calls == 0),
        truncated=header["truncated"],
        outcomes=report.outcomes[:num_calls],
        cpu_seconds=header["cpu_seconds"],
        wall_seconds=header["wall_seconds"],
        peak_memory_mib=header["peak_memory_mib"],
        python=header["python"],
        exit_code=code if code is not None and code >= 0 else None,
    )


def choose_verdict(
    struck: str | None, code: int | None, memory_kills: int, report: ChildReport, num_calls: int
) -> Verdict:
    """Choose the verdict: first by what the guest enforced, then by what ended the process, then by the messages."""
    if struck:
        return _LIMIT_VERDICTS[struck]
    if memory_kills or report.last == "memory":  # the kernel may have killed any process of the program
        return Verdict.OUT_OF_MEMORY
    if code is not None and code < 0:
        return _SIGNALS.get(-code, Verdict.FAILED)
    if report.last in _LAST_WORDS:
        return _LAST_WORDS[report.last]
    complete = report.last == "done" and len(report.outcomes) == num_calls and code == 0
    return Verdict.PASSED if complete else Verdict.FAILED


def read_report(results: bytes, token: bytes, budget: plain.DecodingBudget | None = None) -> ChildReport:
    """Read the child's messages up to the first that is none. Raises nothing, whatever the bytes are."""
    outcomes: list[CallOutcome] = []
    last = None
    budget = budget or plain.DecodingBudget()
    try:
        for payload in wire.frames(results):
            if last is not None:
                return ChildReport(tuple(outcomes), "garbled")
            message_read = _message(payload, token, budget)
            if isinstance(message_read, str):
                last = message_read
            else:
                outcomes.append(message_read)
    except plain.DecodingLimitError as error:
        last = error.limit
    except (ValueError, TypeError, KeyError, RecursionError):
        last = "garbled"
    return ChildReport(tuple(outcomes), last)


def _message(payload: bytes, token: bytes, budget: plain.DecodingBudget) -> CallOutcome | str:
    signed, kind, body = message.split_message(payload)
    if kind in _UNSIGNED_CLAIMS:
        return _UNSIGNED_CLAIMS[kind]
    if signed != token:
        raise ValueError("a message without the token")
    if kind == message.DONE:
        return "done"
    if kind == message.RETURNED:
        return Returned(plain.loads(body, budget))
    return _OUTCOMES[kind](body)


def _raised(body: bytes) -> CallOutcome:
    type, words = _texts(body, 2)
    return Raised(type, words)


def _unplain(body: bytes) -> CallOutcome:
    (type,) = _texts(body, 1)
    return Unplain(type)


def _texts(body: bytes, count: int) -> list[str]:
    """Parse a list of `count` texts, which is all that these messages hold. Cut each to what an honest child sends."""
    if len(body) > _MOST_WORDS:
        raise ValueError(f"{len(body)} bytes of words")
    texts = json.loads(body)
    if type(texts) is not list or len(texts) != count or not all(type(text) is str for text in texts):
        raise ValueError("no list of texts")
    return [text[:_LONGEST_MESSAGE] for text in texts]


_UNSIGNED_CLAIMS = {message.REFUSED: "refused", message.MEMORY: "memory"}  # need no token: no program gains by them
_LAST_WORDS = {
    "refused": Verdict.SYNTAX_ERROR,
    "bytes": Verdict.OUTPUT_LIMIT,  # decoding the outcomes would take too much memory
    "seconds": Verdict.TIMED_OUT_CPU,  # decoding the outcomes took the rest of the program's time
}
_LONGEST_MESSAGE = 10_000  # characters of an exception's message; guest/child.py sends no more
_MOST_WORDS = 16 * _LONGEST_MESSAGE  # bytes of such a message in JSON, where a character may take twelve
_OUTCOMES: dict[bytes, Callable[[bytes], CallOutcome]] = {
    message.RAISED: _raised,
    message.NOT_PLAIN: _unplain,
}


def _describe_end(verdict: Verdict, code: int | None, struck: str | None, *, script: bool) -> str:
    """Return a line of stderr for a program that ended without one; empty for a script that ended well."""
    if verdict is Verdict.PASSED or (script and code == 0 and verdict is Verdict.FAILED and struck is None):
        return ""
    if struck == "files":
        return f"program.py: left files that cannot be removed: {verdict}\n"
    if code is None or verdict not in (Verdict.FAILED, Verdict.FORBIDDEN):
        return f"program.py: stopped: {verdict}\n"
    if code < 0:
        return f"program.py: killed by {_signal_name(-code)}: {verdict}\n"
    return f"program.py: left with exit code {code} before its end: {verdict}\n"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
