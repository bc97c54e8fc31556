"""Tokens: JWTs (RFC 7519) signed with HMAC-SHA256 under the deployment's own key, one sign-in's each."""

from dataclasses import dataclass
from datetime import datetime

import jwt

from oneinbox.features.auth.errors import InvalidToken, TokenExpired

ALGORITHM = "HS256"
ISSUER = "oneinbox"
CLAIMS = ["iss", "sub", "sid", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Claims:
    """Whose token it is, and of which sign-in."""

    user_id: str
    sign_in_id: str


def write(key: bytes, claims: Claims, now: datetime, until: datetime) -> str:
    """A token that is good until then."""
    payload = {"iss": ISSUER, "sub": claims.user_id, "sid": claims.sign_in_id, "iat": now, "exp": until}
    return jwt.encode(payload, key, ALGORITHM)


def read(key: bytes, token: str, now: datetime) -> Claims:
    """What a token of ours says. Raises InvalidToken, TokenExpired.

    The time is compared here, with the clock that everything else goes by.
    """
    try:
        found = jwt.decode(
            token,
            key,
            [ALGORITHM],
            options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
            issuer=ISSUER,
        )
    except jwt.InvalidTokenError:
        raise InvalidToken("This token was not made here, or it was changed: sign in again.") from None
    if int(found["exp"]) <= now.timestamp():
        raise TokenExpired("This token has expired: sign in again.")
    return Claims(str(found["sub"]), str(found["sid"]))
