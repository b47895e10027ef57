ALTER TABLE quota_shares DROP COLUMN counts_alone, DROP COLUMN to_count;
