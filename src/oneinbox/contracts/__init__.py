"""The words that two rooms share: frozen data and ports, no deeds."""
