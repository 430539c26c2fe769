"""The reasons for which a completion ended, as far as other folders than decoding need them."""

END_OF_BLOCK = "end of code block"  # a chat answer may go on after it
NO_PYTHON, DUPLICATE = "no Python any more", "duplicate of an earlier program"
PRUNED = (NO_PYTHON, DUPLICATE)  # a branch was dropped before it was a program
