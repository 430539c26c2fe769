"""Why a completion ended, where other folders than decoding ask. Plain strings, as states and traces keep them."""

END_OF_BLOCK = "end of code block"  # of a chat answer that may go on
NO_PYTHON, DUPLICATE = "no Python any more", "duplicate of an earlier program"
PRUNED = (NO_PYTHON, DUPLICATE)  # ends of branches that were dropped before they were programs
