-- Amounts are fen. Half-months are counted from the year 0, times are microseconds of Unix time.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO counters (name, value) VALUES ('seq', 0), ('fence', 0), ('told', 0);

CREATE TABLE half_months (
    owner TEXT NOT NULL,
    half INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    rows_kept INTEGER NOT NULL,
    unsettled INTEGER NOT NULL,
    unpaid INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (owner, half)
) STRICT, WITHOUT ROWID;

CREATE TABLE settlements (
    owner TEXT NOT NULL,
    half INTEGER NOT NULL,
    sett_no TEXT NOT NULL,
    place INTEGER NOT NULL,
    sett_status INTEGER,
    settled_revenue INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (owner, half, sett_no, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    owner TEXT NOT NULL,
    half INTEGER NOT NULL,
    sett_no TEXT NOT NULL,
    place INTEGER NOT NULL,
    kinds TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;

CREATE TABLE claims (
    owner TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (owner, first, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE totals (
    owner TEXT NOT NULL PRIMARY KEY,
    as_of INTEGER NOT NULL,
    revenue_all INTEGER,
    penalty_all INTEGER,
    settled_revenue_all INTEGER,
    body TEXT
) STRICT;

CREATE TABLE ads (
    appid TEXT NOT NULL,
    day TEXT NOT NULL,
    slot TEXT NOT NULL,
    place INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (appid, day, slot, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE ratios (
    appid TEXT NOT NULL,
    at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (appid, at, place)
) STRICT, WITHOUT ROWID;
