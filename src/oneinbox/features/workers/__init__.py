"""Voice workers: who can take calls, and who has gone."""
