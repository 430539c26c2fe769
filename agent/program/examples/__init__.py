"""Read the examples of a prompt or a test file, and split each into what the program evaluates and what is judged."""
