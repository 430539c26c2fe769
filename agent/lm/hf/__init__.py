"""The backend for causal LMs of transformers. Besides it only custom_generate imports transformers."""
