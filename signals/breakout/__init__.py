"""The Russell 2000 against its record: breakout episodes, the five checks, the distances."""
