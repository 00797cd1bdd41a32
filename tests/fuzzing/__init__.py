"""Updates made from the description of Telegram's Bot API: ten minutes by ``make fuzz``, a sample in the suite."""
