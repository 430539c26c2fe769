"""One request as the supervisor reads it: what the child may know, and what only the answer carries."""

from __future__ import annotations

from dataclasses import dataclass

from . import wire


@dataclass(frozen=True)
class Request:
    """A program, its calls and its limits. The child never has the nonce, and reads the token after the program."""

    nonce: str
    token: bytes
    limits: dict[str, float]
    answering: bool
    program: bytes
    calls: bytes
    stdin: bytes

    @classmethod
    def read(cls, fd: int) -> Request:
        """The next request. Raises EOFError where none will come."""
        header, (program, calls, stdin) = wire.unpack(wire.read_frame(fd))
        header["token"] = bytes.fromhex(header["token"])
        return cls(**header, program=program, calls=calls, stdin=stdin)

    def job(self) -> bytes:
        """Three frames for the child: what it may use, then the program, the token and the calls behind it."""
        header = wire.pack({"limits": self.limits, "answering": self.answering})
        return b"".join(map(wire.frame, (header, self.program, wire.pack({}, self.token, self.calls))))

    def size(self, name: str, unit: int) -> int:
        """A limit in bytes."""
        return int(self.limits[name] * unit)
