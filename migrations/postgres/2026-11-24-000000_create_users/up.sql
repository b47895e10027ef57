-- The table of SFTPGo 0.9.x since 2019-11-12; one that was taken over is here already. Names are in order of bytes.
CREATE TABLE IF NOT EXISTS users (
    id serial NOT NULL PRIMARY KEY,
    username varchar(255) COLLATE "C" NOT NULL UNIQUE,
    password varchar(255) NULL,
    public_keys text NULL,
    home_dir varchar(255) NOT NULL,
    uid integer NOT NULL,
    gid integer NOT NULL,
    max_sessions integer NOT NULL,
    quota_size bigint NOT NULL,
    quota_files integer NOT NULL,
    permissions text NOT NULL,
    used_quota_size bigint NOT NULL,
    used_quota_files integer NOT NULL,
    last_quota_update bigint NOT NULL,
    upload_bandwidth integer NOT NULL,
    download_bandwidth integer NOT NULL,
    expiration_date bigint NOT NULL,
    last_login bigint NOT NULL,
    status integer NOT NULL
);
