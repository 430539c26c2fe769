"""Run programs on a fork server, from the host's side: one request, one answer. Each sandbox starts its own server.

Where a server ends during a program, a new server runs the program again. Where fresh servers end on one program and
run others, the program has failed. Where they run no other program either, the sandbox has failed.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox import verdicts
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, SandboxError, Verdict
from sandbox.channel import Channel, Closed
from sandbox.guest import plain, wire

GUEST_ENVIRONMENT = {"PYTHONHASHSEED": "0"}  # one order of sets of text in every sandbox, so that verdicts agree
GUEST_PARENT = Path(__file__).parent  # the folder in which `guest` is a package
START_SECONDS = 30.0  # for a server to start and greet
GRACE_SECONDS = 10.0  # beyond a program's wall limit, for the guest to end it and clean up
MOST_DEATHS = 2  # of fresh servers on one program
RECOVERY_SECONDS = 1.0  # wait before the second try on a machine that ran out of memory


class Starved(SandboxError):  # noqa: N818 - "the machine is starved" is the sentence
    """The kernel killed the program because others hold the machine's memory."""


class Worn(SandboxError):  # noqa: N818 - "the server is worn" is the sentence
    """An earlier program left a trace that the next one could read."""


class ForkServerSandbox:
    """A sandbox over a fork server. `start` starts the server and returns the channel to it."""

    def __init__(self, start: Callable[[], Channel], *, fresh: bool = False) -> None:
        """fresh: give every program a server of its own, so that nothing passes from one to the next."""
        self._start = start
        self._fresh = fresh
        self._channel: Channel | None = None
        self._python = ""
        self.runs = 0  # since the server was started
        self.worn = False  # the last program left files or memory that cannot be freed
        self.replaced = 0  # servers, because a program left a trace that the next one could read
        self._turn = threading.Lock()  # held while a program runs

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        """Execute the program, then the calls; see Sandbox.run."""
        blobs = (_utf8(program), json.dumps([_call_record(call) for call in calls]).encode("ascii"), _utf8(stdin))
        with self._turn:
            return self._run(blobs, len(calls), limits)

    def close(self) -> None:
        """End the server."""
        with self._turn:
            self._stop()

    def _run(self, blobs: tuple[bytes, bytes, bytes], num_calls: int, limits: Limits) -> Execution:
        deaths = starved = 0
        while deaths < MOST_DEATHS:
            if self.worn:
                self._stop()
            was_idle = self._channel is not None
            try:
                return self._ask(blobs, num_calls, limits)
            except Worn:
                self.replaced += 1
            except Closed:
                deaths += not was_idle  # an idle server may have died earlier, and not of this program
            except Starved:
                starved += 1
                if starved > 1:
                    raise
                time.sleep(RECOVERY_SECONDS)
        try:
            self._ask((b"", b"[]", b""), 0, DEFAULT_LIMITS)
        except SandboxError as error:
            raise SandboxError(f"the sandbox ended {deaths} times, and runs no other program; {error}") from error
        last_words = f"program.py: the sandbox ended {deaths} times while it ran this program: {Verdict.FAILED}\n"
        return Execution(Verdict.FAILED, "", last_words, False, (), 0.0, 0.0, 0.0, self._python)

    def _ask(self, blobs: tuple[bytes, bytes, bytes], num_calls: int, limits: Limits) -> Execution:
        channel = self._channel or self._open()
        nonce, token = secrets.token_hex(16), secrets.token_bytes(16)
        header = {"nonce": nonce, "token": token.hex(), "limits": asdict(limits), "answering": num_calls > 0}
        start = time.monotonic()
        try:
            answer, parts = _exchange(channel, wire.pack(header, *blobs), start + limits.wall_seconds + GRACE_SECONDS)
            if answer.get("nonce") != nonce:
                raise Closed("the fork server's answer is to another request")
            if answer.get("another"):
                raise Worn("an earlier program left a trace")
        except TimeoutError:
            self._stop()
            return _timed_out(time.monotonic() - start, self._python)
        except BaseException:  # also Ctrl-C: a half-read answer would be taken for the next one
            self._stop()
            raise
        self.runs += 1
        self.worn = self._fresh or answer["worn"]
        if answer["starved"]:
            raise Starved("the machine ran out of memory while it ran a program; free some, or run fewer at once")
        return verdicts.build_execution(answer, parts, token, num_calls, limits)

    def _open(self) -> Channel:
        try:
            channel = self._start()
        except OSError as error:  # the machine has no process, descriptor or disk left
            raise SandboxError(f"the sandbox does not start: {error}") from error
        try:
            hello, _ = wire.unpack(_receive(channel, time.monotonic() + START_SECONDS))
        except Closed:  # it may have been killed: the caller tries again
            channel.close()
            raise
        except (TimeoutError, wire.WireError) as error:
            channel.close()
            raise SandboxError(f"the sandbox does not start: {error}") from error
        self._channel, self._python = channel, hello["python"]
        return channel

    def _stop(self) -> None:
        channel, self._channel, self.runs, self.worn = self._channel, None, 0, False
        if channel:
            channel.close()


def _exchange(channel: Channel, request: bytes, deadline: float) -> tuple[dict[str, Any], list[bytes]]:
    channel.send(wire.frame(request), deadline)
    try:
        return wire.unpack(_receive(channel, deadline))
    except wire.WireError as error:
        raise Closed(f"the fork server's answer cannot be read: {error}") from error


def _receive(channel: Channel, deadline: float) -> bytes:
    (length,) = wire.LENGTH.unpack(channel.receive(wire.LENGTH.size, deadline))
    if length > wire.LARGEST_FRAME:
        raise wire.WireError(f"a frame of {length} bytes; the largest is {wire.LARGEST_FRAME}")
    return channel.receive(length, deadline)


def _call_record(call: Call | Expression) -> list[str]:
    if isinstance(call, Expression):
        return ["expression", call.source]
    return ["call", call.function, plain.dumps(list(call.arguments)).decode("ascii")]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _timed_out(seconds: float, python: str) -> Execution:
    """Return the execution of a program that outlived even the guest's watchdog; its server has been killed."""
    return Execution(Verdict.TIMED_OUT_WALL, "", "", False, (), 0.0, seconds, 0.0, python)


def guest_command(python: str, parent: str, place: str, *, separate_users: bool) -> list[str]:
    """Return the fork server's command line: an interpreter with the packages of parent/packages and no others.

    Run it with GUEST_ENVIRONMENT and no other variables.
    """
    start = (
        f"import sys; sys.path.insert(0, {parent!r}); from guest.server import main; "
        f"del sys.path[0]; sys.path.append({parent + '/packages'!r}); "
        f"sys.exit(main({place!r}, {separate_users}))"
    )
    return [python, "-P", "-s", "-S", "-B", "-c", start]
