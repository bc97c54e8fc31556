"""American English text to the phonemes of the built-in voice."""
