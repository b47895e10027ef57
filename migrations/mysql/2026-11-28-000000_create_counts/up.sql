-- Whether a user's files are to be counted, and whether a count goes on that no other server's share has disturbed. What
-- was cut off after the change is run again, and MySQL has no ADD COLUMN IF NOT EXISTS.
SET @sftpgo_change = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'quota_shares' AND column_name = 'to_count') = 0,
    'ALTER TABLE quota_shares ADD COLUMN to_count boolean NOT NULL DEFAULT false, ADD COLUMN counts_alone boolean NOT NULL DEFAULT false',
    'DO 0');
PREPARE sftpgo_change FROM @sftpgo_change;
EXECUTE sftpgo_change;
DEALLOCATE PREPARE sftpgo_change;
