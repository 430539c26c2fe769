"""What runs inside a sandbox, and the two formats spoken with it, which the host imports. Standard library only."""
