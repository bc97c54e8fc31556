"""`oneinbox migrate`."""

from oneinbox.app import own_database, settings


def migrate() -> None:
    """Bring the database to the version of this program."""
    loaded = settings.load()
    with own_database.reached(loaded) as complete:
        own_database.migrate_as(complete)
