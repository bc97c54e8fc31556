"""What can go wrong with signing in."""

from oneinbox.kit.errors import Conflict, Forbidden, Unauthorized


class SignupClosed(Forbidden):
    """Somebody has signed up already, and this deployment is not open to all."""

    code = "SIGNUP_CLOSED"


class EmailTaken(Conflict):
    """There is a user of that e-mail address."""

    code = "EMAIL_TAKEN"


class WrongCredentials(Unauthorized):
    """No user has that e-mail address and that password; which of the two was wrong is not said."""

    code = "WRONG_CREDENTIALS"


class InvalidToken(Unauthorized):
    """No token of a user came with the request, or one that was not made here, or its user has signed out."""

    code = "INVALID_TOKEN"


class TokenExpired(Unauthorized):
    """The token was good once; sign in again."""

    code = "TOKEN_EXPIRED"
