DROP TABLE IF EXISTS ip_lists;
DROP TABLE IF EXISTS ip_list_changes;
