"""Measured statements with an enter and an exit threshold: their table, their arithmetic, their states."""
