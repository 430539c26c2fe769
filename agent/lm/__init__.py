"""A language model is a function of token ids: protocols, prefix store, one folder or file a backend. No decoding."""
