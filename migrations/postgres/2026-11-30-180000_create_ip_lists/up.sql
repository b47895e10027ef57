-- Addresses that operators list: who may connect (1), whom the defender spares or refuses (2), whom rate limiters spare (3).
CREATE TABLE IF NOT EXISTS ip_lists (
    list integer NOT NULL,
    network varchar(64) COLLATE "C" NOT NULL,
    mode integer NOT NULL,
    protocols integer NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (list, network)
);
-- Counted up with each change, so that servers see whether they have to read the lists again.
CREATE TABLE IF NOT EXISTS ip_list_changes (
    id integer NOT NULL PRIMARY KEY,
    number bigint NOT NULL
);
INSERT INTO ip_list_changes (id, number) VALUES (1, 1) ON CONFLICT DO NOTHING;
-- Nobody locks out the machine itself, unless an operator takes these out.
INSERT INTO ip_lists (list, network, mode, protocols, description, created_at, updated_at) VALUES
    (2, '127.0.0.0/8', 1, 0, 'this machine', CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint), CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint)),
    (2, '::1/128', 1, 0, 'this machine', CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint), CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint)) ON CONFLICT DO NOTHING;
