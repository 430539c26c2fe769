"""Find the program in the text that a model wrote. Judges no program.

`answers` chooses among the code blocks that `fences` finds in a chat answer or, without any, among the code that
`prose` finds between sentences. `parts` is the result: a program made of spans of the text, and of source from the
prompt.
"""
