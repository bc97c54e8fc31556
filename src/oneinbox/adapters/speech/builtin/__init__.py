"""Speech without a key: recogniser, brain and voice that run on this machine."""
