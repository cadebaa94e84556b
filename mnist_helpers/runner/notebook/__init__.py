"""One notebook: its file, its parameters, its execution, what it prints."""
