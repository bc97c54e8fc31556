"""OneInbox: voice agents on your own phone numbers, as software that a team runs itself."""
