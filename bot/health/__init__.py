"""Whether the bot does its work now: what is checked, which faults there are, and who is told."""
