"""The evening: when it runs, what its child process does, and what it stores."""
