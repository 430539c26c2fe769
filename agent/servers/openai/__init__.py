"""Serve a model under OpenAI's protocol: as a plain model that pauses, and as the whole checked workflow."""
