-- As up.sql: what was cut off after the change is run again.
SET @sftpgo_change = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'quota_shares' AND column_name = 'to_count') = 1,
    'ALTER TABLE quota_shares DROP COLUMN counts_alone, DROP COLUMN to_count',
    'DO 0');
PREPARE sftpgo_change FROM @sftpgo_change;
EXECUTE sftpgo_change;
DEALLOCATE PREPARE sftpgo_change;
