-- Admins of this server, and the keys by which programs act for them.
CREATE TABLE IF NOT EXISTS admins (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    version bigint NOT NULL,
    username varchar(255) NOT NULL UNIQUE,
    status integer NOT NULL,
    password varchar(255) NOT NULL,
    permissions text NOT NULL,
    email varchar(255) NOT NULL,
    description text NOT NULL,
    additional_info text NOT NULL,
    allow_list text NOT NULL,
    allow_api_key_auth boolean NOT NULL,
    require_password_change boolean NOT NULL,
    require_two_factor boolean NOT NULL,
    totp_config_name varchar(255) NULL,
    totp_secret varchar(255) NULL,
    spent_steps bigint NOT NULL,
    recovery_codes text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    sessions_since bigint NOT NULL,
    last_login bigint NOT NULL
);
-- The secret part of a key is not kept, only its hash. A key without an admin is for any who allows it.
CREATE TABLE IF NOT EXISTS api_keys (
    id varchar(64) NOT NULL PRIMARY KEY,
    name varchar(255) NOT NULL,
    hash varchar(255) NOT NULL,
    description text NOT NULL,
    admin varchar(255) NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_use_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
-- Whoever changes admins changes this row first, so that changes come one after the other, whatever server makes them.
CREATE TABLE IF NOT EXISTS admin_changes (
    id integer NOT NULL PRIMARY KEY,
    number bigint NOT NULL
);
INSERT OR IGNORE INTO admin_changes (id, number) VALUES (1, 0);
