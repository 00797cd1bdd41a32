"""What others call: the web-hook."""
