"""A fork server that answers from a script: the host's side is tested without any process."""

from sandbox.channel import Closed
from sandbox.guest import message, wire

HELLO = wire.frame(wire.pack({"python": "3.0"}))
ENDED = {"status": 0, "struck": None, "memory_kills": 0, "truncated": False, "cpu_seconds": 0.0}
MEASURED = {"wall_seconds": 0.0, "peak_memory_mib": 0.0, "python": "3.0", "worn": False, "starved": False}


class ScriptedChannel:
    """Says hello, then does to each request what its script says: answer, die, hang, babble, or answer another request.

    An answer may also say that the server is worn, or that the machine starved the program.
    """

    def __init__(self, *acts):
        self.acts = list(acts)
        self.ready = HELLO
        self.open = True

    def send(self, data, deadline):
        header, _ = wire.unpack(data[wire.LENGTH.size :])
        act = self.acts.pop(0)
        if act == "die":
            raise Closed("killed")
        if act == "interrupt":
            raise KeyboardInterrupt
        nonce = "stale" if act == "stale" else header["nonce"]
        if act == "another":
            self.ready += wire.frame(wire.pack({"nonce": nonce, "another": True}))
            return
        done = wire.frame(message.sign(bytes.fromhex(header["token"]), message.DONE))
        report = {"nonce": nonce} | ENDED | MEASURED | ({act: True} if act in ("worn", "starved") else {})
        answer = wire.frame(wire.pack(report, act.encode(), b"", done))
        self.ready += {"hang": b"", "babble": wire.frame(b"nonsense")}.get(act, answer)

    def receive(self, count, deadline):
        if len(self.ready) < count:
            raise TimeoutError
        data, self.ready = self.ready[:count], self.ready[count:]
        return data

    def close(self):
        self.open = False
