"""The track record as a page to publish: one file, nothing fetched."""
