"""Acts: a prompt in, a verified program (or an honest "no") out."""
