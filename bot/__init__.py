"""What people touch: commands, messages, delivery, the schedule, the command line and the sandbox."""
