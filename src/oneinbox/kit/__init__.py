"""Words and small machines that could be another product's."""
