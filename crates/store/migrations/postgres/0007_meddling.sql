-- What others sent to each leg, and was dropped.
ALTER TABLE call_records ADD COLUMN quality_a_foreign BIGINT;
ALTER TABLE call_records ADD COLUMN quality_a_unauthenticated BIGINT;
ALTER TABLE call_records ADD COLUMN quality_a_replayed BIGINT;
ALTER TABLE call_records ADD COLUMN quality_b_foreign BIGINT;
ALTER TABLE call_records ADD COLUMN quality_b_unauthenticated BIGINT;
ALTER TABLE call_records ADD COLUMN quality_b_replayed BIGINT;
