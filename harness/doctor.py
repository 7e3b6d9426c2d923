def examine(): return []
