"""Telegram's updates: polled or brought by the web-hook, each handled once."""
