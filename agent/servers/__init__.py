"""Serves: editors, assistants and other programs over their own protocols. Each server is an extra and imports late."""
