-- What more there is to say of the reason, in words.
ALTER TABLE call_records ADD COLUMN detail TEXT;
