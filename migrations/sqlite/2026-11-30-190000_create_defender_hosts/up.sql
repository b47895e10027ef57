-- What the defenders of several servers have counted against addresses, and whom they have banned. Times are this database's.
CREATE TABLE IF NOT EXISTS defender_scores (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    host varchar(64) NOT NULL,
    score integer NOT NULL,
    counted_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS defender_bans (
    host varchar(64) NOT NULL PRIMARY KEY,
    ends_at bigint NOT NULL
);
