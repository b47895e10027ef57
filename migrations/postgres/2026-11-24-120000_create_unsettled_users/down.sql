DROP TABLE IF EXISTS unsettled_users;
