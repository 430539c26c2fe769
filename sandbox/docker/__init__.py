"""Run programs in hardened containers: engine, image, container, channel, sandbox. No other folder imports docker."""
