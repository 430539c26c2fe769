"""Measure seconds, forwards and memory of decoding and of the sandbox. Not part of any test."""
