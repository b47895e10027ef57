-- What servers that use this database at a time tell each other: one that is restarted without a pause, and the next.
CREATE TABLE IF NOT EXISTS servers (
    id bigint NOT NULL PRIMARY KEY,
    -- Milliseconds by this database's clock.
    seen_at bigint NOT NULL
);

-- What each server did to a user's usage since its share began, and what it may do besides.
CREATE TABLE IF NOT EXISTS quota_shares (
    server_id bigint NOT NULL,
    user_id integer NOT NULL,
    contributed_size bigint NOT NULL,
    contributed_files bigint NOT NULL,
    reserved_size bigint NOT NULL,
    reserved_files bigint NOT NULL,
    -- Whether a user's files are to be counted, and whether a count goes on that no other server's share has disturbed.
    to_count boolean NOT NULL DEFAULT false,
    counts_alone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (server_id, user_id)
);
CREATE INDEX IF NOT EXISTS quota_shares_of_user ON quota_shares (user_id);

CREATE TABLE IF NOT EXISTS open_sessions (
    server_id bigint NOT NULL,
    number bigint NOT NULL,
    user_id integer NOT NULL,
    PRIMARY KEY (server_id, number)
);
CREATE INDEX IF NOT EXISTS open_sessions_of_user ON open_sessions (user_id);
