"""The jobs process: carries on what others have left."""
