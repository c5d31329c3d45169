-- Paper positions. A row is written when a position is opened and completed when it is closed; none is deleted.
CREATE TABLE paper_positions (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The table is for paper: the gate treats its presence in a live run as a failure.
    env               text NOT NULL CHECK (env <> 'live'),
    symbol            text NOT NULL CHECK (symbol <> ''),
    direction         text NOT NULL CHECK (direction IN ('upbit_to_binance', 'binance_to_upbit')),
    quantity          numeric(30, 12) NOT NULL CHECK (quantity > 0),
    notional_krw      numeric(20, 2) NOT NULL CHECK (notional_krw > 0),
    opened_at         timestamptz NOT NULL,
    closed_at         timestamptz,
    entry_spread_bps  double precision NOT NULL,
    exit_spread_bps   double precision,
    pnl_krw           numeric(20, 2),
    status            text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    CHECK (num_nonnulls(closed_at, exit_spread_bps, pnl_krw) = CASE status WHEN 'closed' THEN 3 ELSE 0 END)
);

-- One open position for each symbol, also when two engines run by mistake.
CREATE UNIQUE INDEX paper_positions_one_open ON paper_positions (env, symbol) WHERE status = 'open';
-- For the profit of the day.
CREATE INDEX paper_positions_closed ON paper_positions (env, closed_at) WHERE status = 'closed';
