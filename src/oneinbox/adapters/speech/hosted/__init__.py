"""Brains behind any OpenAI-compatible address: cloud, Ollama, vLLM."""

from oneinbox.adapters.speech.hosted.brain import BrainError, HostedBrain

__all__ = ["BrainError", "HostedBrain"]
