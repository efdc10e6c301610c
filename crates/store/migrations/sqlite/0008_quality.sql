-- How each leg's audio was to the far side, and both ways by the E-model.
ALTER TABLE call_records ADD COLUMN quality_a_jitter_max_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_a_mos REAL;
ALTER TABLE call_records ADD COLUMN quality_a_rtt_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_a_sent INTEGER;
ALTER TABLE call_records ADD COLUMN quality_a_far_lost INTEGER;
ALTER TABLE call_records ADD COLUMN quality_a_far_jitter_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_a_far_mos REAL;
ALTER TABLE call_records ADD COLUMN quality_b_jitter_max_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_b_mos REAL;
ALTER TABLE call_records ADD COLUMN quality_b_rtt_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_b_sent INTEGER;
ALTER TABLE call_records ADD COLUMN quality_b_far_lost INTEGER;
ALTER TABLE call_records ADD COLUMN quality_b_far_jitter_ms REAL;
ALTER TABLE call_records ADD COLUMN quality_b_far_mos REAL;
