"""Run configurations over problems, resume them, and keep one outcome a problem. Judges no program."""
