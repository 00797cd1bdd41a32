"""From an alert to every chat it is owed to."""
