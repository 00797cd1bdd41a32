"""A year in an hour: every session, everything that happens in one, and what has to be the same at its end."""
