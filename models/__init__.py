"""Train the embedded model, and keep its weights. No other package imports this one."""
