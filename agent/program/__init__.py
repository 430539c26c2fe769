"""Python source in, facts out: syntax, examples, prompts, extraction. Nothing here runs a program or a model."""
