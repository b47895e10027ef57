-- Names of users that came (1) and went (-1) lately, numbered in the order in which that was committed: by these a
-- server keeps what it knows of the order of all names. The one row of the other table has the last number, and whoever
-- takes the next makes others wait until it is written.
CREATE TABLE IF NOT EXISTS name_changes (
    number bigint NOT NULL PRIMARY KEY,
    username varchar(255) NOT NULL,
    delta integer NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4;
CREATE TABLE IF NOT EXISTS name_change_count (
    id integer NOT NULL PRIMARY KEY,
    number bigint NOT NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO name_change_count (id, number) VALUES (1, 0);
