"""What a market that is stepped has to show, found by the market process."""
