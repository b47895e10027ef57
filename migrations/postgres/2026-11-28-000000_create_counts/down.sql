ALTER TABLE quota_shares DROP COLUMN counts_alone;
ALTER TABLE quota_shares DROP COLUMN to_count;
