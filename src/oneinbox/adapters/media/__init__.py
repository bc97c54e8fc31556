"""Media planes: what carries the calls."""
