"""Python source in, facts out. Nothing here runs a program or knows a model.

    request ─ task ─▶ Task ─ prompts, lame ─▶ prompt ─▶ (the model) ─▶ answer ─ extraction ─▶ program

`examples` reads what a prompt shows, and `separation` keeps the expected values from the program. `syntax` answers
questions about source, `normal_form` tells which programs are the same, `probe_inputs` makes inputs on which programs
may differ. `failures` and `ends` are the words for why a program did not pass and why a completion ended.
"""
