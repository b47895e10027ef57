-- What restricts the logins of a user, as JSON; nothing for most. A table that was taken over may have a column filters of
-- its own, so this one has another name. The codes of the second factor that were used are apart from it. It can be run
-- again where it was cut off.
SET @add_user_filters = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'user_filters'),
    'DO 0',
    'ALTER TABLE users ADD COLUMN user_filters longtext NULL, ADD COLUMN spent_steps bigint NOT NULL DEFAULT 0');
PREPARE add_user_filters FROM @add_user_filters;
EXECUTE add_user_filters;
DEALLOCATE PREPARE add_user_filters;
