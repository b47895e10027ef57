-- What the defenders of several servers have counted against addresses, and whom they have banned. Times are this database's.
CREATE TABLE IF NOT EXISTS defender_scores (
    id bigserial NOT NULL PRIMARY KEY,
    host varchar(64) COLLATE "C" NOT NULL,
    score integer NOT NULL,
    counted_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS defender_bans (
    host varchar(64) COLLATE "C" NOT NULL PRIMARY KEY,
    ends_at bigint NOT NULL
);
