DROP TABLE IF EXISTS defender_scores;
DROP TABLE IF EXISTS defender_bans;
