"""What the bot listens with: a server with limits, and the pages on which others see how it does."""
