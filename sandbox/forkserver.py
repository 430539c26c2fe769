"""The host's side of a fork server: one request, one answer, one restart. How a server starts is each sandbox's own."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sandbox import verdicts
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, SandboxError, Verdict
from sandbox.channel import Channel, Closed
from sandbox.guest import plain, wire

START_SECONDS = 30.0  # for a server to say hello
GRACE_SECONDS = 10.0  # beyond a program's wall limit, for the guest to end and clean up


class ForkServerSandbox:
    """A sandbox over whatever `start` opens a channel to. A server found dead is started anew, once for each run."""

    def __init__(self, start: Callable[[], Channel]) -> None:
        self._start = start
        self._channel: Channel | None = None
        self._python = ""
        self.runs = 0  # since the server was started
        self.memory_share = 0.0  # of what all its processes may have together, when it was idle last; 0 where unknown
        self._turn = threading.Lock()

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        """Execute the program, then the calls; see Sandbox.run."""
        blobs = (_utf8(program), json.dumps([_written(call) for call in calls]).encode("ascii"), _utf8(stdin))
        with self._turn:
            with suppress(Closed):  # found dead: once is no reason to complain
                return self._ask(blobs, len(calls), limits)
            try:
                return self._ask(blobs, len(calls), limits)
            except Closed as error:
                raise SandboxError(f"the sandbox died twice on one program; {error}") from error

    def close(self) -> None:
        """End the server."""
        with self._turn:
            self._stop()

    def _ask(self, blobs: tuple[bytes, bytes, bytes], wanted: int, limits: Limits) -> Execution:
        channel = self._channel or self._open()
        nonce, token = secrets.token_hex(16), secrets.token_bytes(16)
        header = {"nonce": nonce, "token": token.hex(), "limits": asdict(limits), "answering": wanted > 0}
        start = time.monotonic()
        try:
            answer, parts = _exchange(channel, wire.pack(header, *blobs), start + limits.wall_seconds + GRACE_SECONDS)
            if answer.get("nonce") != nonce:
                raise Closed("the fork server's answer is to another request")
        except TimeoutError:
            self._stop()
            return _outlived(time.monotonic() - start, self._python)
        except BaseException:  # Ctrl-C too: a conversation broken off cannot be taken up again
            self._stop()
            raise
        self.runs += 1
        self.memory_share = answer["memory_share"]
        return verdicts.execution(answer, parts, token, wanted)

    def _open(self) -> Channel:
        channel = self._start()
        try:
            hello, _ = wire.unpack(_receive(channel, time.monotonic() + START_SECONDS))
        except Closed:  # it may have been killed, and is worth a second try
            channel.close()
            raise
        except (TimeoutError, wire.WireError) as error:
            channel.close()
            raise SandboxError(f"the sandbox does not start: {error}") from error
        self._channel, self._python = channel, hello["python"]
        return channel

    def _stop(self) -> None:
        channel, self._channel, self.runs, self.memory_share = self._channel, None, 0, 0.0
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
    if length > wire.LARGEST:
        raise wire.WireError(f"a frame of {length} bytes; the largest is {wire.LARGEST}")
    return channel.receive(length, deadline)


def _written(call: Call | Expression) -> list[str]:
    if isinstance(call, Expression):
        return ["expression", call.source]
    return ["call", call.function, plain.encode(list(call.arguments)).decode("ascii")]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _outlived(seconds: float, python: str) -> Execution:
    """Even the guest's watchdog was outlived; the server has been killed with everything in it."""
    return Execution(Verdict.TIMED_OUT_WALL, "", "", False, (), 0.0, seconds, 0.0, python)
