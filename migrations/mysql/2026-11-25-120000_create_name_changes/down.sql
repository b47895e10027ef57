DROP TABLE IF EXISTS name_changes;
DROP TABLE IF EXISTS name_change_count;
