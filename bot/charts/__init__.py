"""Charts of an evaluated history as pictures; only the market process draws them."""
