-- What others sent to each leg, and was dropped.
ALTER TABLE call_records ADD COLUMN quality_a_foreign INTEGER;
ALTER TABLE call_records ADD COLUMN quality_a_unauthenticated INTEGER;
ALTER TABLE call_records ADD COLUMN quality_a_replayed INTEGER;
ALTER TABLE call_records ADD COLUMN quality_b_foreign INTEGER;
ALTER TABLE call_records ADD COLUMN quality_b_unauthenticated INTEGER;
ALTER TABLE call_records ADD COLUMN quality_b_replayed INTEGER;
