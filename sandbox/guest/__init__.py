"""Code that runs inside a sandbox. The host imports its two formats, wire and plain. Standard library only."""
