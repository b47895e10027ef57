ALTER TABLE users DROP COLUMN spent_steps;
ALTER TABLE users DROP COLUMN user_filters;
