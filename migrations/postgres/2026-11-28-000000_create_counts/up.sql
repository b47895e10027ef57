-- Whether a user's files are to be counted, and whether a count goes on that no other server's share has disturbed.
ALTER TABLE quota_shares ADD COLUMN IF NOT EXISTS to_count boolean NOT NULL DEFAULT false;
ALTER TABLE quota_shares ADD COLUMN IF NOT EXISTS counts_alone boolean NOT NULL DEFAULT false;
