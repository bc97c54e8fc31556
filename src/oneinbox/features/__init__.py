"""What the product knows: one folder a resource of the API."""
