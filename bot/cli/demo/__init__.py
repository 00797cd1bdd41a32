"""The demonstration: the whole program on a sandbox, with its people, and a market that is stepped from a panel."""
