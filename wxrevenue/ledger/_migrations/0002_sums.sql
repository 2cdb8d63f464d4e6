-- What reports add up and look for: sums by half-month and status, and the statements that are not paid.
CREATE INDEX settlements_by_half ON settlements (half, sett_status, settled_revenue);

CREATE INDEX half_months_unpaid ON half_months (half, owner) WHERE unpaid > 0;

CREATE TABLE providers (
    appid TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
