"""Keys of the deployment: made once, sealed in the database; and what is signed with them."""

import base64
import hashlib
import hmac
import secrets
import zlib

from sqlalchemy import String, select
from sqlalchemy.dialects.postgresql import BYTEA, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base
from oneinbox.kit.ids import random_base62
from oneinbox.kit.sealing import Sealer

API_KEY_PEPPER = "api_key_pepper"
URL_SIGNING = "url_signing"
CALL_TICKET = "call_ticket"
IDEMPOTENCY = "idempotency"
AUDIT = "audit"
DIALOG_ROUTE = "dialog_route"
SIGN_IN = "sign_in"

KEY_BYTES = 32
KEY_PREFIX = "oi_sk_"
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 8


class DeploymentSecret(Base):
    """A key of the whole deployment, sealed under the master key: turning that one touches none that hangs on it."""

    __tablename__ = "deployment_secrets"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(BYTEA)


async def deployment_key(session: AsyncSession, sealer: Sealer, name: str) -> bytes:
    """The 32 bytes of that name; made by whoever asks first, the same for everyone after."""
    query = select(DeploymentSecret.sealed).where(DeploymentSecret.name == name)
    sealed = await session.scalar(query)
    if sealed is None:
        made = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        blob = sealer.seal(made, workspace_id="", row_id=name, field="sealed")
        await session.execute(insert(DeploymentSecret).values(name=name, sealed=blob).on_conflict_do_nothing())
        sealed = (await session.execute(query)).scalar_one()
    return base64.b64decode(sealer.open(sealed, workspace_id="", row_id=name, field="sealed"))


def sign(key: bytes, *parts: str) -> str:
    """Hex HMAC-SHA256 (RFC 2104) over the parts and where each of them ends."""
    return hmac.new(key, _framed(parts), hashlib.sha256).hexdigest()


def verify(key: bytes, signature: str, *parts: str) -> bool:
    """Whether `sign` gave this signature, in constant time."""
    return hmac.compare_digest(signature.encode(), sign(key, *parts).encode())


def new_api_key() -> str:
    """`oi_sk_` + 32 random base-62 characters (190 bits) + 8 hex digits of CRC-32 over what stands before."""
    body = KEY_PREFIX + random_base62(RANDOM_LENGTH)
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Whether the key's shape and checksum are right: a typing error needs no look into the database."""
    body, checksum = key[:-CHECKSUM_LENGTH], key[-CHECKSUM_LENGTH:]
    right_length = len(key) == len(KEY_PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH
    return right_length and key.isascii() and key.startswith(KEY_PREFIX) and checksum == _checksum(body)


def hash_key(pepper: bytes, key: str) -> bytes:
    """HMAC-SHA256 of an API key: what is stored of it. The key is random, so that no slow hash is needed."""
    return hmac.new(pepper, key.encode(), hashlib.sha256).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _framed(parts: tuple[str, ...]) -> bytes:
    return b"".join(len(encoded).to_bytes(4, "big") + encoded for encoded in (part.encode() for part in parts))
