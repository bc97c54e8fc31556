"""Attempts: one row for every INVITE, with its verdict in plain words."""
