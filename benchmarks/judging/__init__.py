"""Decide whether a program solves a problem: inputs go into the sandbox, values come out, and are compared here."""
