-- The table of SFTPGo 0.9.x since 2019-11-12; one that was taken over is here already. Text is compared byte by byte,
-- with spaces at its end; MariaDB and MySQL have different names for that.
SET @users = CONCAT('CREATE TABLE IF NOT EXISTS users (
    id integer NOT NULL PRIMARY KEY AUTO_INCREMENT,
    username varchar(255) NOT NULL UNIQUE,
    password varchar(255) NULL,
    public_keys longtext NULL,
    home_dir varchar(255) NOT NULL,
    uid integer NOT NULL,
    gid integer NOT NULL,
    max_sessions integer NOT NULL,
    quota_size bigint NOT NULL,
    quota_files integer NOT NULL,
    permissions longtext NOT NULL,
    used_quota_size bigint NOT NULL,
    used_quota_files integer NOT NULL,
    last_quota_update bigint NOT NULL,
    upload_bandwidth integer NOT NULL,
    download_bandwidth integer NOT NULL,
    expiration_date bigint NOT NULL,
    last_login bigint NOT NULL,
    status integer NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE ',
    IF(VERSION() LIKE '%MariaDB%', 'utf8mb4_nopad_bin', 'utf8mb4_0900_bin'));
PREPARE make_users FROM @users;
EXECUTE make_users;
DEALLOCATE PREPARE make_users;
