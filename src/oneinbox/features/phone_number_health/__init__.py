"""A phone number's health: what a caller would find now, and who must do what about it."""
