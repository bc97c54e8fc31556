"""Carriers: what is particular to each."""
