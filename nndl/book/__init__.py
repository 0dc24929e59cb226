"""The book's own programs under their own names, on this library's engine."""
