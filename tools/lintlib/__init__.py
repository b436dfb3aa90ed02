"""House rules that a search can hold, each with a message and examples of its own."""
