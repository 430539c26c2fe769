"""Programs in a hardened container: client, image, engine, channel. No other module imports docker."""
