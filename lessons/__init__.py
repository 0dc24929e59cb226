"""The course: every idea of the book as a module that one runs, reads and changes; see README.md."""
