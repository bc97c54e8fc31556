"""Auth: the people of a workspace, who sign in with a password and then carry a token."""
