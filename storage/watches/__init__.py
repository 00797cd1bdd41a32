"""What chats watch prices for, and how each watch stands."""
