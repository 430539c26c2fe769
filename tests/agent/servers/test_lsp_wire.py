"""A message of the language server that is too long is skipped, and never held."""

from agent.servers.lsp.wire import MOST_MESSAGE_BYTES, BoundedInput


class Zeros:
    """A stream of so many bytes, all of them zero, that notes the most it was asked for at once."""

    def __init__(self, size):
        self.left, self.most = size, 0

    def read(self, size):
        self.most, given = max(self.most, size), min(size, self.left)
        self.left -= given
        return bytes(given)

    readline = read


def test_a_message_that_is_too_long_is_skipped_in_pieces():
    stream = Zeros(MOST_MESSAGE_BYTES * 3)
    assert BoundedInput(stream).read(MOST_MESSAGE_BYTES * 2) == b"null"
    assert (stream.left, stream.most < MOST_MESSAGE_BYTES) == (MOST_MESSAGE_BYTES, True)
    assert BoundedInput(stream).read(10**30) == b"null" and stream.left == 0, "as far as there is something"
    assert len(BoundedInput(Zeros(10)).read(20)) == 10 and len(BoundedInput(Zeros(10**6)).readline()) < 10**4
