"""Find the program in the text that a model wrote: fenced blocks, prose, pieces. Judges no program."""
