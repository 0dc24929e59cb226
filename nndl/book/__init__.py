"""The book's own programs under their own names, on this library's engine."""

__all__ = ["conv", "expand_mnist", "legacy", "mnist_loader", "network", "network2", "network3"]
