"""Numbers, tables and pictures of recorded outcomes. Runs nothing."""
