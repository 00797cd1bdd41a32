"""The rules: what each number means. Nothing here knows Telegram, the database or the wall clock."""
