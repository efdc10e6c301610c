-- By which crypto suite the audio of each leg is encrypted (RFC 4568).
ALTER TABLE call_records ADD COLUMN media_encryption_a TEXT;
ALTER TABLE call_records ADD COLUMN media_encryption_b TEXT;
