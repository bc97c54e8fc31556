"""Calls: what is known of each call, from admission to its end."""
