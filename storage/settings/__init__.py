"""What a chat has chosen: whether and when its alerts come."""
