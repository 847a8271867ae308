"""What the database itself refuses: to change an event of the ledger, or to delete one.

This stops mistakes and weak attackers; a strong one drops the triggers, and is found by the tree.
"""

_CONTENT = (
    *("id", "recorded_at", "action", "result", "actor", "subject", "system", "client", "session", "address"),
    *("request_id", "reason", "detail", "mac"),
)
_SAME = " AND ".join(f'OLD."{name}" IS NEW."{name}"' for name in _CONTENT)
_SAME_PG = " AND ".join(f'OLD."{name}"::text IS NOT DISTINCT FROM NEW."{name}"::text' for name in _CONTENT)
_UNPLACED = "NOT EXISTS (SELECT 1 FROM vault_ledger_place WHERE event_id = OLD.id)"
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"

_NO_DELETE = f"CREATE TRIGGER vault_ledger_event_no_delete BEFORE DELETE ON vault_ledger_event {_REFUSE}"
_APPEND_ONLY = """CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION vault_ledger_append_only()"""
_NO_TRUNCATE = """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION vault_ledger_append_only()"""

# An event had its place in a column of its own: one without could be given one.
FIRST = {
    "sqlite": (
        f"""CREATE TRIGGER vault_ledger_event_no_update BEFORE UPDATE ON vault_ledger_event
        WHEN NOT (OLD.position IS NULL AND OLD.quarantined = 0 AND {_SAME}) {_REFUSE}""",
        _NO_DELETE,
    ),
    "postgresql": (
        f"""CREATE FUNCTION vault_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NOT OLD.quarantined AND {_SAME_PG} THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'the ledger is append-only';
        END $$""",
        _APPEND_ONLY.format(table="vault_ledger_event"),
        _NO_TRUNCATE.format(table="vault_ledger_event"),
    ),
}
NO_FIRST = {
    "sqlite": ("DROP TRIGGER IF EXISTS vault_ledger_event_no_update", "DROP TRIGGER vault_ledger_event_no_delete"),
    "postgresql": (
        "DROP TRIGGER IF EXISTS vault_ledger_event_append_only ON vault_ledger_event",
        "DROP TRIGGER IF EXISTS vault_ledger_event_no_truncate ON vault_ledger_event",
        "DROP FUNCTION vault_ledger_append_only()",
    ),
}

# Places are rows of their own. An event may be marked as turned away as long as it has none. A new event waits for its
# place, whoever writes it and however.
PLACES = {
    "sqlite": (
        f"""CREATE TRIGGER vault_ledger_event_no_update BEFORE UPDATE ON vault_ledger_event
        WHEN NOT (OLD.quarantined = 0 AND {_SAME} AND {_UNPLACED}) {_REFUSE}""",
        _NO_DELETE,
        f"CREATE TRIGGER vault_ledger_place_no_update BEFORE UPDATE ON vault_ledger_place {_REFUSE}",
        f"CREATE TRIGGER vault_ledger_place_no_delete BEFORE DELETE ON vault_ledger_place {_REFUSE}",
        """CREATE TRIGGER vault_ledger_event_waits AFTER INSERT ON vault_ledger_event
        BEGIN INSERT INTO vault_ledger_waiting (event_id) VALUES (NEW.id); END""",
    ),
    "postgresql": (
        f"""CREATE FUNCTION vault_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_TABLE_NAME = 'vault_ledger_event' AND TG_OP = 'UPDATE' THEN
                IF NOT OLD.quarantined AND {_SAME_PG} AND {_UNPLACED} THEN RETURN NEW; END IF;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only';
        END $$""",
        *(
            statement.format(table=table)
            for table in ("vault_ledger_event", "vault_ledger_place")
            for statement in (_APPEND_ONLY, _NO_TRUNCATE)
        ),
        """CREATE FUNCTION vault_ledger_waits() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO vault_ledger_waiting (event_id) VALUES (NEW.id);
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER vault_ledger_event_waits AFTER INSERT ON vault_ledger_event
        FOR EACH ROW EXECUTE FUNCTION vault_ledger_waits()""",
    ),
}
NO_PLACES = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS vault_ledger_event_no_update",
        "DROP TRIGGER IF EXISTS vault_ledger_event_no_delete",
        "DROP TRIGGER IF EXISTS vault_ledger_place_no_update",
        "DROP TRIGGER IF EXISTS vault_ledger_place_no_delete",
        "DROP TRIGGER IF EXISTS vault_ledger_event_waits",
    ),
    "postgresql": (
        "DROP TRIGGER IF EXISTS vault_ledger_event_append_only ON vault_ledger_event",
        "DROP TRIGGER IF EXISTS vault_ledger_event_no_truncate ON vault_ledger_event",
        "DROP TRIGGER IF EXISTS vault_ledger_place_append_only ON vault_ledger_place",
        "DROP TRIGGER IF EXISTS vault_ledger_place_no_truncate ON vault_ledger_place",
        "DROP TRIGGER IF EXISTS vault_ledger_event_waits ON vault_ledger_event",
        "DROP FUNCTION vault_ledger_append_only()",
        "DROP FUNCTION vault_ledger_waits()",
    ),
}
