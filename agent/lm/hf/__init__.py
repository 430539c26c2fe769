"""The backend for causal LMs of transformers: no other part of the agent but custom_generate imports it."""
