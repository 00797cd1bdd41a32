"""The commands that keep the data: backup, restore, verify and the move to PostgreSQL."""
