"""Crash points in the database: triggers of the test's own that hold, break or refuse one step of one number, once."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

SCHEMA = """
CREATE TABLE crash_points (number text PRIMARY KEY, id serial, step text, point text, action text);

CREATE FUNCTION crash_point(the_number text, the_step text, the_point text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    planned crash_points;
BEGIN
    SELECT * INTO planned FROM crash_points
     WHERE number = the_number AND step = the_step AND point = the_point;
    IF NOT FOUND OR nextval('crash_' || planned.id) > 1 THEN
        RETURN;
    END IF;
    CASE planned.action
        WHEN 'wait' THEN PERFORM pg_advisory_xact_lock(77, planned.id);
        WHEN 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid());
        ELSE RAISE EXCEPTION 'as planned';
    END CASE;
END;
$$;

CREATE FUNCTION crash_at_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM crash_point(NEW.phone_number, s.name, TG_ARGV[0]) FROM operation_steps s
      JOIN operations o ON o.id = s.operation_id
     WHERE o.resource_id = NEW.id AND s.state = 'sending' AND o.state = 'running';
    RETURN NEW;
END;
$$;

CREATE FUNCTION crash_at_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.state = 'done' THEN
        PERFORM crash_point(p.phone_number, NEW.name, 'answered but not stored') FROM phone_numbers p
          JOIN operations o ON o.resource_id = p.id WHERE o.id = NEW.operation_id;
    END IF;
    RETURN NEW;
END;
$$;

CREATE FUNCTION crash_at_answer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    the_number text;
BEGIN
    IF NEW.status IS NOT NULL THEN
        SELECT phone_number INTO the_number FROM phone_numbers WHERE id = NEW.resource_id;
        PERFORM crash_point(coalesce(the_number, NEW.key), 'answer', 'answered but not stored');
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER crash_before BEFORE INSERT OR UPDATE ON phone_numbers
    FOR EACH ROW EXECUTE FUNCTION crash_at_row('before send');
CREATE TRIGGER crash_after AFTER INSERT OR UPDATE ON phone_numbers
    FOR EACH ROW EXECUTE FUNCTION crash_at_row('sent but unanswered');
CREATE TRIGGER crash_mark BEFORE UPDATE ON operation_steps
    FOR EACH ROW EXECUTE FUNCTION crash_at_step();
CREATE TRIGGER crash_answer BEFORE UPDATE ON idempotency_keys
    FOR EACH ROW EXECUTE FUNCTION crash_at_answer();
"""


class CrashPoints:
    """Plans made as the owner of the database."""

    def __init__(self, owner_url: str) -> None:
        self._url = owner_url

    def install(self) -> None:
        """Make the triggers."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(SCHEMA)

    def plan(self, number: str, step: str, point: str, action: str) -> int:
        """The next time that the step of the number comes to the point: `wait`, `cut` or `error`. Returns its id.

        Answers that are about no number are planned by their idempotency key.
        """
        with psycopg.connect(self._url) as connection:
            planned = "INSERT INTO crash_points (number, step, point, action) VALUES (%s, %s, %s, %s) RETURNING id"
            row = connection.execute(planned, [number, step, point, action]).fetchone()
            assert row is not None
            connection.execute(f"CREATE SEQUENCE crash_{row[0]}".encode())
            return int(row[0])

    def reached(self, plan: int) -> bool:
        """Whether somebody has come there."""
        with psycopg.connect(self._url) as connection:
            row = connection.execute(f"SELECT is_called FROM crash_{plan}".encode()).fetchone()
            return bool(row and row[0])

    @contextmanager
    def barred(self, plans: list[int]) -> Iterator[None]:
        """Whoever waits at these plans waits until the block ends, or the database does."""
        connection = psycopg.connect(self._url, autocommit=True)
        try:
            for plan in plans:
                connection.execute("SELECT pg_advisory_lock(77, %s)", [plan])
            yield
        finally:
            connection.close()
