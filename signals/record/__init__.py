"""What followed in the past: events, outcomes, base rates and how far chance alone would go."""
