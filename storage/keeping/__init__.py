"""Keeping data: copies of an SQLite file, their rotation, and the way to PostgreSQL."""
