-- The node that a call is, or was, on.
ALTER TABLE call_records ADD COLUMN node TEXT NOT NULL DEFAULT '';
