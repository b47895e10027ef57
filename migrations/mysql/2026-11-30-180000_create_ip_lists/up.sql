-- Addresses that operators list: who may connect (1), whom the defender spares or refuses (2), whom rate limiters spare (3).
CREATE TABLE IF NOT EXISTS ip_lists (
    list integer NOT NULL,
    network varchar(64) NOT NULL,
    mode integer NOT NULL,
    protocols integer NOT NULL,
    description longtext NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (list, network)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- Counted up with each change, so that servers see whether they have to read the lists again.
CREATE TABLE IF NOT EXISTS ip_list_changes (
    id integer NOT NULL PRIMARY KEY,
    number bigint NOT NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO ip_list_changes (id, number) VALUES (1, 1);
-- Nobody locks out the machine itself, unless an operator takes these out.
INSERT IGNORE INTO ip_lists (list, network, mode, protocols, description, created_at, updated_at) VALUES
    (2, '127.0.0.0/8', 1, 0, 'this machine', UNIX_TIMESTAMP() * 1000, UNIX_TIMESTAMP() * 1000),
    (2, '::1/128', 1, 0, 'this machine', UNIX_TIMESTAMP() * 1000, UNIX_TIMESTAMP() * 1000);
