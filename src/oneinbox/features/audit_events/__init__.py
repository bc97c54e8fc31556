"""Audit events: who changed what, in a chain that shows where it was tampered with."""
