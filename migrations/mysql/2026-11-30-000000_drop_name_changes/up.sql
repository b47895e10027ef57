-- Users are listed by the index of their names, so nothing has to be written down when one comes or goes.
DROP TABLE IF EXISTS name_changes;
DROP TABLE IF EXISTS name_change_count;
