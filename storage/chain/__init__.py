"""The chain of the live record: each row hashed with the hash before, so that none can be changed unseen."""
