-- What the defenders of several servers have counted against addresses, and whom they have banned. Times are this database's.
CREATE TABLE IF NOT EXISTS defender_scores (
    id bigint NOT NULL PRIMARY KEY AUTO_INCREMENT,
    host varchar(64) NOT NULL,
    score integer NOT NULL,
    counted_at bigint NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS defender_bans (
    host varchar(64) NOT NULL PRIMARY KEY,
    ends_at bigint NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
