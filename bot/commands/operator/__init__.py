"""What only the operators may: look after the bot from a chat."""
