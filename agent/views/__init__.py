"""Show a run to a person: text for a terminal, made from records. Nothing here decides anything.

`sentences` and `tree` turn records into text, `terminal` draws events as they come, `text` makes any text fit to show,
and `say` writes to stdout and stderr.
"""
