"""The queue of deliveries: fan-out, claim, results, quiet hours, purge."""
