"""Where the rooms meet: settings, wiring and the processes."""
