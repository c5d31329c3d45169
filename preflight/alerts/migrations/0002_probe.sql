-- Where the check `postgres` tries a write. It rolls back what it wrote, so this table stays empty.
CREATE TABLE arbitrage_preflight_probe (
    run_id text PRIMARY KEY
);
