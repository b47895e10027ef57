-- An older server writes here which names come and go, and counts all names anew when it finds nothing.
CREATE TABLE IF NOT EXISTS name_changes (
    number bigint NOT NULL PRIMARY KEY,
    username varchar(255) NOT NULL,
    delta integer NOT NULL
);
CREATE TABLE IF NOT EXISTS name_change_count (
    id integer NOT NULL PRIMARY KEY,
    number bigint NOT NULL
);
INSERT OR IGNORE INTO name_change_count (id, number) VALUES (1, 0);
