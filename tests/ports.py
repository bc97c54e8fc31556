"""Ports that tests may listen on: free over UDP and TCP, and below those that the kernel gives to clients."""

import random
import socket

LOWEST, HIGHEST = 28_000, 31_900


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        with socket.socket(socket.AF_INET, kinds[0]) as one, socket.socket(socket.AF_INET, kinds[1]) as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
