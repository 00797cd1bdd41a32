"""What the operators hold back, and what they are shown of how the bot does."""
