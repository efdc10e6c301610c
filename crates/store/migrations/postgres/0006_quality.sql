-- How each leg's audio was to the far side, and both ways by the E-model.
ALTER TABLE call_records ADD COLUMN quality_a_jitter_max_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_a_mos DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_a_rtt_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_a_sent BIGINT;
ALTER TABLE call_records ADD COLUMN quality_a_far_lost BIGINT;
ALTER TABLE call_records ADD COLUMN quality_a_far_jitter_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_a_far_mos DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_b_jitter_max_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_b_mos DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_b_rtt_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_b_sent BIGINT;
ALTER TABLE call_records ADD COLUMN quality_b_far_lost BIGINT;
ALTER TABLE call_records ADD COLUMN quality_b_far_jitter_ms DOUBLE PRECISION;
ALTER TABLE call_records ADD COLUMN quality_b_far_mos DOUBLE PRECISION;
