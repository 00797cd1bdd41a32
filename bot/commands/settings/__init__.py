"""What a chat chooses for itself: which alerts come, and when."""
