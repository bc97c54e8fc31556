"""Health: whether the API and its database answer, and whether calls would be."""
