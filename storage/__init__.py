"""What must survive: observations, verdicts, transitions, chats and the outbox."""
