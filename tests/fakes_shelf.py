"""A hub and a package index of one machine, and a model of the shelf that both have.

Run as a program, it gets that model from a hub, converting by a copy: `python fakes_shelf.py HUB FILE`.
"""

import hashlib
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

NAME, PARTS, PART_BYTES = "toy-1b", 2, 1000


def put_on_shelf(data: bytes, **changes):
    """Put a model whose file has these bytes on the shelf of this process, and return it."""
    from agent.lm.shelf.entries import ShelfModel, Wheels, read_shelf

    facts = {
        "name": NAME, "summary": "A toy.", "repository": "nobody/toy", "revision": "0" * 40, "file": "toy.gguf",
        "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "licence": "none", "context": 256,
        "prompt_style": "auto", "coder": True, "converted_bytes": len(data),
        "wheels": Wheels("dubito-test-toy-part", "1.0", PARTS, PART_BYTES),
    }  # fmt: skip
    read_shelf()[NAME] = model = ShelfModel(**{**facts, **changes})
    return model


class Hub(ThreadingHTTPServer):
    """Serves one file, with ranges or without, and remembers from where on it was asked for it, and with which token.

    stalls_at: it sends so many bytes and waits for `goes_on`. breaks_at: it ends the first connections after so many
    bytes each. sends_on: it has nothing itself, and sends whoever asks to this address.
    """

    daemon_threads = True

    def __init__(
        self,
        data: bytes,
        *,
        ranges: bool = True,
        stalls_at: int | None = None,
        breaks_at: tuple[int, ...] = (),
        sends_on: str = "",
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.data, self.ranges, self.stalls_at = data, ranges, stalls_at
        self.breaks_at, self.sends_on = list(breaks_at), sends_on
        self.starts: list[int] = []
        self.tokens: list[str | None] = []
        self.stalled, self.goes_on = threading.Event(), threading.Event()

    def handle_error(self, request, client_address) -> None:
        """Say nothing of clients that were killed."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.server.ranges else 0
        self.server.starts.append(start)
        self.server.tokens.append(self.headers["Authorization"])
        if self.server.sends_on:
            self.send_response(302)
            self.send_header("Location", self.server.sends_on)
            self.end_headers()
            return
        body = self.server.data[start:]
        self.send_response(206 if self.server.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        stop = self.server.stalls_at
        if stop is not None and not self.server.goes_on.is_set():
            self.wfile.write(body[:stop])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.goes_on.wait(30)
            body = body[stop:]
        self.wfile.write(body[: self.server.breaks_at.pop(0)] if self.server.breaks_at else body)

    def log_message(self, *args) -> None:
        """Say nothing."""


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Let a hub answer while the context lasts."""
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.goes_on.set()
        hub.shutdown()
        thread.join()
        hub.server_close()


def write_wheel(folder: Path, part: int, data: bytes) -> Path:
    """Write the wheel of a part. Whoever installed or imported it would find out."""
    package = f"dubito_test_toy_part{part + 1}"
    info = f"{package}-1.0.dist-info"
    wheel = folder / f"{package}-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('it was imported')\n")
        archive.writestr(f"{package}/data/part{part + 1:02}.bin", data)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: nothing-like-it\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def copy_instead(file: Path, folder: Path, *, source: str) -> None:
    """Stand in for the conversion, which needs torch: the folder holds the file, and says what it was."""
    work = folder.with_name(f".{folder.name}.convert-copy")
    work.mkdir()
    shutil.copy(file, work / "model.bin")
    (work / "config.json").write_text(source)
    work.rename(folder)


def fake_conversion() -> ModuleType:
    """Return the module that stands for agent.lm.hf.gguf."""
    module = ModuleType("agent.lm.hf.gguf")
    module.convert_gguf = copy_instead
    return module


if __name__ == "__main__":
    from huggingface_hub import constants

    from agent.lm.shelf.fetch import fetch_model

    hub, file = sys.argv[1:]
    constants.HUGGINGFACE_CO_URL_TEMPLATE = hub + "/{repo_id}/resolve/{revision}/{filename}"
    constants.HF_HUB_OFFLINE = False
    sys.modules["agent.lm.hf.gguf"] = fake_conversion()
    for step in fetch_model(put_on_shelf(Path(file).read_bytes())):
        sys.stdout.write(f"{step.stage} {step.done}\n")
        sys.stdout.flush()
