"""Where figures come from. Every source has one shape: ``shape.Source``."""
