-- What the outbound calls of a day have spoken is read at each start.
CREATE INDEX call_records_spoken ON call_records (ended_at) WHERE direction = 'outbound' AND answered_at IS NOT NULL;
