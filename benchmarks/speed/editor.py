"""Measure how soon the language server answers a hover while its model reads a file.

Starts `dubito lsp`, opens a file of this project, and asks while it is read. Prints one line a measurement.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from agent.lm.names import choose_default_model
from agent.views.say import say

_FILE = Path(__file__).parents[2] / "agent" / "cli" / "chat_commands.py"
_GOAL = 0.050  # seconds
_EXAMPLE = "example: python -m benchmarks.speed.editor --model qwen2.5-coder-0.5b"


def main() -> None:
    """Measure, and print the median and the longest answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.editor", description=__doc__, epilog=_EXAMPLE)
    parser.add_argument("--model", default=choose_default_model(), help="load this model (default: as solve does)")
    parser.add_argument("--hovers", type=int, default=200, help="ask so often, at most (default: 200)")
    parser.add_argument("--file", type=Path, default=_FILE, help="open this file (default: one of 300 lines)")
    options = parser.parse_args()
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "lsp", "--model", options.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin and server.stdout
        times = list(_time_hovers(_Wire(server.stdin, server.stdout), options.file.read_text(), options.hovers))
    if not times:
        sys.exit("the file was read before a hover could be asked for; give a longer one with --file")
    median, slowest = statistics.median(times), max(times)
    late = sum(each > _GOAL for each in times)
    say(
        f"{options.model}: {len(times)} hovers while {options.file.name} was read: median {median * 1000:.1f} ms, "
        f"longest {slowest * 1000:.1f} ms, over {_GOAL * 1000:.0f} ms: {late}"
    )


def _time_hovers(wire: _Wire, text: str, most: int) -> Iterator[float]:
    """Yield the seconds of each hover that was answered while the file was read, in different lines."""
    document, lines = {"uri": "file:///benchmark.py"}, text.count("\n")
    wire.ask("initialize", {"capabilities": {}, "processId": None, "rootUri": None})
    wire.tell("initialized", {})
    wire.tell(
        "textDocument/didOpen", {"textDocument": {**document, "languageId": "python", "version": 1, "text": text}}
    )
    line, answered = 0, 0
    while answered < most and not wire.is_scored:
        line = (line + 1) % lines
        start = time.perf_counter()
        hover = wire.ask("textDocument/hover", {"textDocument": document, "position": {"line": line, "character": 8}})
        seconds = time.perf_counter() - start
        if hover is not None and not wire.is_scored:
            answered += 1
            yield seconds
        time.sleep(0.02)  # a person is no faster, and the server has other things to do
    wire.ask("shutdown", None)
    wire.tell("exit", None)


class _Wire:
    """The client's side of a server's stdin and stdout."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin, self._stdout, self._count = stdin, stdout, 0
        self._published = 0

    @property
    def is_scored(self) -> bool:
        """The second diagnostics came: those of the holes are the first."""
        return self._published > 1

    def ask(self, method: str, params: Any) -> Any:
        """Send a request, and return its result."""
        self._count += 1
        self._send({"id": self._count, "method": method, "params": params})
        while (message := self._receive()).get("id") != self._count:
            self._published += message.get("method") == "textDocument/publishDiagnostics"
        return message["result"]

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._stdin.flush()

    def _receive(self) -> dict[str, Any]:
        size = 0
        while (header := self._stdout.readline()).strip():
            if header.lower().startswith(b"content-length:"):
                size = int(header.partition(b":")[2])
        message: dict[str, Any] = json.loads(self._stdout.read(size))
        return message


if __name__ == "__main__":
    main()
