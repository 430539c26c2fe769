"""Render chat templates in a child process that bounds each of them. It lives on, because starting it takes longest."""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock

from agent.errors import ModelLoadError
from agent.messages import first_sentence

TEMPLATE_ADVICE = "mend the template, or ask with the prompt style completion"
_SECONDS = 20.0  # of wall time for one rendering; the child's own limit in CPU seconds is stricter
_LIMITS = "it takes too much time or memory"
_CHILD = Path(__file__).with_name("template_child.py")


@functools.lru_cache(maxsize=64)
def render_template(template: str, variables: str) -> str:
    """Render a template. variables: a JSON object. Raises ModelLoadError if no text comes of it."""
    outcome = _renderer.render(json.dumps({"template": template, "variables": json.loads(variables)}))
    if "text" in outcome:
        return outcome["text"]
    raise ModelLoadError(
        f"this model's chat template cannot be rendered ({first_sentence(outcome['error'])}); {TEMPLATE_ADVICE}"
    )


class _Renderer:
    """The child process. One that ended, or that takes too long, is replaced by the next rendering."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._lock = Lock()

    def render(self, request: str) -> dict[str, str]:
        """Return the text of a request, one line of JSON; or the error."""
        with self._lock:
            if self._child is not None and self._child.poll() is not None:
                self._end()
            child = self._child = self._child or _start()
            try:
                answer = _ask(child, request.encode() + b"\n")
                if answer:
                    outcome: dict[str, str] = json.loads(answer)
                    return outcome
            except BaseException:  # an interrupt, too: an answer that comes later is not the next request's
                self.close()
                raise
            if answer is None:
                child.kill()
            return {"error": self._end()}

    def close(self) -> None:
        """End the child, unless this process is a fork of the one that has it."""
        if self._child is not None and self._owner == os.getpid():
            self._child.kill()
            self._end()

    def forget(self) -> None:
        """Take no part in what another process, of which this one is a fork, has under way."""
        _forgotten.append(self._child)  # its end is not ours to wait for
        self._child, self._owner, self._lock = None, os.getpid(), Lock()

    def _end(self) -> str:
        """Wait for the child's end and describe it: a signal means a limit, else the last line of stderr tells."""
        child, self._child = self._child, None
        assert child is not None
        _, errors = child.communicate()
        lines = errors.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {child.returncode}")
        return _LIMITS if child.returncode < 0 else f"its renderer failed: {last[:300]}"


def _start() -> subprocess.Popen[bytes]:
    # -E and -P ignore the environment and the current folder. -s is missing: jinja2 may be in the user's packages.
    command = [sys.executable, "-E", "-P", str(_CHILD)]
    # In a session of its own, Ctrl-C in the terminal does not reach it.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def _ask(child: subprocess.Popen[bytes], request: bytes) -> bytes | None:
    """Return the line that answers; empty if the child ended, None if it takes too long."""
    assert child.stdin and child.stdout, "both are pipes"
    try:
        child.stdin.write(request)
        child.stdin.flush()
    except BrokenPipeError:
        return b""
    ends, answer = time.monotonic() + _SECONDS, b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            if not selector.select(max(ends - time.monotonic(), 0)):
                return None
            part = os.read(child.stdout.fileno(), 2**16)
            if not part:
                return b""
            answer += part
    return answer


_renderer = _Renderer()
_forgotten: list[object] = []
atexit.register(_renderer.close)
os.register_at_fork(after_in_child=_renderer.forget)
