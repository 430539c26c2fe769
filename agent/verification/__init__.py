"""Run programs in the sandbox: on examples, on probe inputs, line by line. Chooses no program."""
