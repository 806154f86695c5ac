"""The embedded memory server: the fifteen tools of claude-cortex over SQLite."""
