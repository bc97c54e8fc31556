"""Passwords as argon2id hashes, computed away from the event loop."""

import asyncio
import base64
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from oneinbox.kit.errors import Unavailable

MEMORY_KIB, ROUNDS, LANES = 19 * 1024, 2, 1
"""The least that OWASP's Password Storage Cheat Sheet allows: calls are carried on the same machine."""
AT_ONCE = 1
MOST_WAITING = 8


class PasswordsBusy(Unavailable):
    """More passwords are waiting to be hashed than there should be; try again."""

    code = "SIGN_IN_BUSY"


class Passwords:
    """Hashes and verifies with argon2id (RFC 9106), one password after another."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(ROUNDS, MEMORY_KIB, LANES)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = self._never_right()

    async def hash(self, password: str) -> str:
        """The hash in PHC form, with its salt and parameters. Raises PasswordsBusy."""
        hashed = await self._run(password, None)
        assert isinstance(hashed, str)
        return hashed

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the hash's; without a hash False, after as long a time. Raises PasswordsBusy."""
        return await self._run(password, hashed or self._nobody) is True

    async def _run(self, password: str, hashed: str | None) -> str | bool:
        if self._waiting >= MOST_WAITING:
            raise PasswordsBusy("Too many people are signing in at this moment; try again in a few seconds.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._compute, password, hashed)
        finally:
            self._waiting -= 1

    def _compute(self, password: str, hashed: str | None) -> str | bool:
        if hashed is None:
            return self._hasher.hash(password)
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _never_right(self) -> str:
        """Costs as much to verify as a real one, and nothing to make."""
        lengths = (self._hasher.salt_len, self._hasher.hash_len)
        salt, digest = (base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in lengths)
        return f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${salt}${digest}"
