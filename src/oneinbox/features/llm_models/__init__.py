"""LLM models: the brains that agents share."""
