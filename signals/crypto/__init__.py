"""Whether crypto answered a breakout, and whether its sellers were exhausted."""
