"""Agents: who answers calls, and how."""
