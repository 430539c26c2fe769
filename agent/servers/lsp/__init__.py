"""A language server: doubts, holes and completions in any editor that speaks the Language Server Protocol.

`server` answers the client, `model_work` is what the model does for it, `documents` are the open files, `answers`
writes what the client is shown, and `wire` reads and writes messages. Decides nothing about code.
"""
