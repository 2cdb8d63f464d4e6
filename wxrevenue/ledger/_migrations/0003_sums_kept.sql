-- Sums by half-month and status are kept, not added up: an index of all statements by half-month
-- made each commit write a page for each half-month. An amount has two parts: high * 10^9 + low.
CREATE TABLE sums (
    half INTEGER NOT NULL,
    has_status INTEGER NOT NULL,
    status INTEGER NOT NULL,
    rows_kept INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    PRIMARY KEY (half, has_status, status)
) STRICT, WITHOUT ROWID;

INSERT INTO sums (half, has_status, status, rows_kept, high, low)
    SELECT half, CASE WHEN sett_status IS NULL THEN 0 ELSE 1 END, COALESCE(sett_status, 0), COUNT(*),
        SUM(settled_revenue / 1000000000), SUM(settled_revenue - settled_revenue / 1000000000 * 1000000000)
    FROM settlements GROUP BY half, sett_status;

DROP INDEX settlements_by_half;

-- A program of an earlier release that has the ledger open would not keep the sums: it finds no such column.
ALTER TABLE settlements RENAME COLUMN data TO content;
