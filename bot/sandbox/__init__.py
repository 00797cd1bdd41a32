"""A strict local Bot API server, with a chat page, on which the whole program runs without Telegram."""
