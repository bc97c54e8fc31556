"""Vendors and engines, each behind a port of `contracts`; strangers to one another."""
