"""Recordings on this machine's disk."""
