"""Speech: recognisers, voices and brains."""
