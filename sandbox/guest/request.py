"""A request as the supervisor reads it. Some of it goes on to the child; the nonce goes only into the answer."""

from __future__ import annotations

from dataclasses import dataclass

from . import wire


@dataclass(frozen=True)
class Request:
    """A program, its calls and its limits. The child never gets the nonce, and reads the token after the program."""

    nonce: str
    token: bytes
    limits: dict[str, float]
    answering: bool
    program: bytes
    calls: bytes
    stdin: bytes

    @classmethod
    def read(cls, fd: int) -> Request:
        """Read the next request. Raises EOFError where none will come."""
        header, (program, calls, stdin) = wire.unpack(wire.read_frame(fd))
        header["token"] = bytes.fromhex(header["token"])
        return cls(**header, program=program, calls=calls, stdin=stdin)

    def job(self) -> bytes:
        """Return three frames for the child: the limits, the program, and the token with the calls."""
        header = wire.pack({"limits": self.limits, "answering": self.answering})
        return b"".join(map(wire.frame, (header, self.program, wire.pack({}, self.token, self.calls))))

    def size(self, name: str, unit: int) -> int:
        """Return a limit in bytes; unit: the bytes of one."""
        return int(self.limits[name] * unit)
