SET @drop_user_filters = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'user_filters'),
    'ALTER TABLE users DROP COLUMN spent_steps, DROP COLUMN user_filters',
    'DO 0');
PREPARE drop_user_filters FROM @drop_user_filters;
EXECUTE drop_user_filters;
DEALLOCATE PREPARE drop_user_filters;
