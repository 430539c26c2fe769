"""Numbers, tables and plots of outcomes that were recorded before. Runs nothing."""
