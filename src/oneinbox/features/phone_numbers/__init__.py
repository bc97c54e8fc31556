"""Phone numbers: registered lines and who answers them."""
