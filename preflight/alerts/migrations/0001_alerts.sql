-- Every alert that was sent, or should have been. One row an alert; a P0 that was sent later changes its outcome.
CREATE TABLE arbitrage_preflight_alerts (
    alert_id    text PRIMARY KEY,
    at          timestamptz NOT NULL,  -- end of the run that the alert is about
    env         text NOT NULL CHECK (env IN ('live', 'paper', 'dev', 'test')),
    run_id      text NOT NULL CHECK (run_id <> ''),
    severity    text NOT NULL CHECK (severity IN ('P0', 'P1', 'P2', 'P3')),
    fingerprint text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('sent', 'spooled', 'failed')),
    message     text NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now()
);

-- For "what happened lately in this env".
CREATE INDEX arbitrage_preflight_alerts_at ON arbitrage_preflight_alerts (env, at DESC);
