"""Faults of every kind, at random but seeded, and what they did measured against the truth the server keeps."""
