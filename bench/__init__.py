"""What the product reaches on this machine: figures with their conditions, never a test."""
