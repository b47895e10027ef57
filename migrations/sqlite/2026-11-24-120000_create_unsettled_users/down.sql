DROP TABLE unsettled_users;
