DROP TABLE open_sessions;
DROP TABLE quota_shares;
DROP TABLE servers;
