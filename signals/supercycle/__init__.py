"""The four properties of a long rally."""
