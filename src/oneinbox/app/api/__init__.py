"""The REST API as one application."""
